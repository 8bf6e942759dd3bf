"""Locust's SocketIOUser, and a user of HTTP beside it."""

import os

from locust import FastHttpUser, constant, task
from locust.contrib.socketio import SocketIOUser


class ChatUser(SocketIOUser):
    wait_time = constant(0.05)

    def on_start(self):
        self.sio.connect(os.environ["CHAT"], transports=["websocket"])

    def on_stop(self):
        self.sio.disconnect()

    @task
    def talk(self):
        assert self.sio.call("double", "ab") == "abab"
        self.sio.emit("news", "hello")
        self.sio.send("a message", name="sent")


class Beside(FastHttpUser):
    wait_time = constant(0.05)

    @task
    def hello(self):
        self.client.get("/hello/")
