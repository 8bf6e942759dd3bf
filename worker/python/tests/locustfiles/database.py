"""Locust's own PostgresUser."""

import os

from locust import constant, task
from locust.contrib.postgres import PostgresUser


class DatabaseUser(PostgresUser):
    wait_time = constant(0.01)
    conn_string = os.environ["DATABASE"]

    @task(3)
    def select(self):
        self.client.execute_query("SELECT count(*) FROM pg_class")

    @task
    def missing(self):
        self.client.execute_query("SELECT * FROM no_such_table")
        self.client.connection.rollback()
