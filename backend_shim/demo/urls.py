from django.contrib import admin
from django.urls import include, path

from demo import views

urlpatterns = [
    path("", views.Page.as_view(), name="page"),
    path("healthz", views.health, name="health"),
    path("api/session", views.session, name="session"),
    path("api/gallery", views.gallery, name="gallery"),
    path("admin/", admin.site.urls),
    path("", include("media_shim.urls")),
]
