"""Two of its pages, and the counter that the bench reads (one process serves)."""

from django.http import HttpResponse, JsonResponse
from django.urls import path

served = 0


def hello(request):
    global served
    served += 1
    return HttpResponse()


def stats(request):
    return JsonResponse({"total": served})


urlpatterns = [
    path("", lambda request: HttpResponse("OK")),
    path("hello/", hello),
    path("stats/", stats),
]
