from django.urls import include, path

from tests.faults.app import views

urlpatterns = [
    path("healthz", views.health),
    path("posts", views.create),
    path("posts/<str:post>/delete", views.delete),
    path("posts/<str:post>/visibility", views.visibility),
    path("avatar", views.avatar),
    path("account/close", views.close_account),
    path("", include("media_shim.urls")),
]
