from django.urls import path

from media_shim import health, views

app_name = "media_shim"

urlpatterns = [
    path("api/media/sign-upload", views.sign_upload, name="sign-upload"),
    path("api/media/commit", views.commit, name="commit"),
    path("api/media/url", views.url, name="url"),
    path("api/media/urls", views.urls, name="urls"),
    path("api/media/refresh", views.url, name="refresh"),
    path("api/media/upload-token", views.upload_token, name="upload-token"),
    path("api/media/files/<str:media_id>", views.remove, name="file"),
    path("api/media/health", health.health, name="health"),
    path("m/<path:key>", views.development_redirect, name="development-redirect"),
]
