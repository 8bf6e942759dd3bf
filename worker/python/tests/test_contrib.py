"""Users of other kinds beside the native clients: Locust's PostgresUser and SocketIOUser on real servers, and the
examples that Locust's documentation shows."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from harness import VERSION
from locust import FastHttpUser
from processes import FILES, Place, eventually, free_port, rows_of, scenario

XMLRPC_SERVER = """
import sys
from xmlrpc.server import SimpleXMLRPCServer
server = SimpleXMLRPCServer(("127.0.0.1", int(sys.argv[1])), logRequests=False)
server.register_function(lambda a, b: a + b, "add")
server.register_function(lambda: 1 // 0, "fault")
server.serve_forever()
"""

SOCKETIO_SERVER = """
import sys, socketio, werkzeug.serving
server = socketio.Server(async_mode="threading")
server.on("double", lambda sid, text: 2 * text)
server.on("news", lambda sid, text: server.emit("told", text, to=sid))
server.on("message", lambda sid, text: server.send(text, to=sid))
werkzeug.serving.run_simple("127.0.0.1", int(sys.argv[1]), socketio.WSGIApp(server), threaded=True)
"""


@scenario
def test_examples_of_the_documentation(place: Place) -> None:
    """A stock worker and a native one at once: each of their rows is there from both, and alike."""
    port = free_port()
    place.python("xmlrpc", "-c", XMLRPC_SERVER, port)
    server = place.python("server", FILES.parent / "server.py", stdin=subprocess.PIPE)
    ports = eventually("the server's ports", lambda: server.log.split(), tell=lambda: server.log)
    seen = {}
    environment = {"XMLRPC": f"http://127.0.0.1:{port}"}
    wanted = {
        *("login", "quickstart hello", "quickstart json", "/item", "validated", "allowed", "/item?id=[id]", "told"),
        *("forum thread", "ordered first", "ordered second", "nested index", "rest post", "rest failed", "concurrent"),
        *("add", "fault"),
    }
    wrong = {"validated", "told", "rest failed", "fault"}
    if not hasattr(FastHttpUser, "rest"):
        wanted -= {"rest post", "rest failed"}
        wrong -= {"rest failed"}
    for module in ("locust", "locustpp"):
        master = place.master("documented.py")
        worker = place.worker(master, "documented.py", module=module, name=f"{module}-worker", env=environment)
        master.wait_for_workers()
        master.swarm(8, f"http://127.0.0.1:{ports[0]}")
        master.wait_until("every row", lambda stats: wanted <= rows_of(stats).keys())
        stats = master.stats()
        texts = {
            *((row["name"], row["method"], row["avg_content_length"] if row["method"] != "" else 0) for row in stats["stats"]),
            *((error["name"], error["error"]) for error in stats["errors"]),
        }
        seen[module] = {one for one in texts if one[0] not in ("login", "rest post", "/item", "ordered second", "concurrent")}
        failing = {name for name, (requests, failures) in rows_of(stats).items() if failures == requests}
        assert failing == wrong, (module, stats["errors"])
        assert master.exceptions() == [], module
        master.stop()
        worker.wait_for("A new test is ending")
        assert "Request to told failed with exception" in worker.log
        master.process.signal(15)
        assert worker.ended() == 0, worker.log
    different = {one[0] for one in seen["locust"] ^ seen["locustpp"]} - {"Aggregated", "/item?id=[id]"}
    assert not different, seen


if VERSION >= (2, 47):

    class Database:
        """PostgreSQL in a folder of its own; it refuses to be root."""

        def __init__(self, place: Place) -> None:
            self.tools = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
            self.folder = Path(tempfile.mkdtemp(prefix="locustpp-postgres-"))
            self.as_user: list[str] = []
            if os.getuid() == 0:
                user = pwd.getpwnam("postgres")
                os.chown(self.folder, user.pw_uid, user.pw_gid)
                self.as_user = ["runuser", "-u", "postgres", "--"]
            self.port = free_port()
            data = str(self.folder / "data")
            self._run("initdb", "-D", data, "-A", "trust", "-U", "tester", "--no-sync")
            options = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder} -c fsync=off"
            self._run("pg_ctl", "-D", data, "-w", "-l", str(self.folder / "log"), "-o", options, "start")

        def _run(self, tool: str, *arguments: str) -> None:
            done = subprocess.run(
                [*self.as_user, str(self.tools / tool), *arguments],
                cwd=self.folder,
                stdout=(self.folder / "tool.log").open("wb"),
                stderr=subprocess.STDOUT,
            )
            assert done.returncode == 0, (self.folder / "tool.log").read_text()

        def close(self) -> None:
            self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")
            subprocess.run(["rm", "-rf", str(self.folder)], check=True)

    @scenario
    def test_socketio_user(place: Place) -> None:
        """Beside FastHttpUser: messages, acknowledgements and events count as in a stock worker."""
        target = place.target()
        port = free_port()
        server = place.python("chat-server", "-c", SOCKETIO_SERVER, port)
        server.wait_for("Running on")
        # A call and a message are emitted, too.
        rows = {
            *(("WS", "connect"), ("WSC", "double"), ("WSE", "double"), ("WSE", "news"), ("WSR", "told")),
            *(("WSS", "sent"), ("WSE", "message"), ("WSR", "message")),
        }
        seen = {}
        for module in ("locust", "locustpp"):
            master = place.master("chat.py")
            worker = place.worker(master, "chat.py", module=module, env={"CHAT": f"http://127.0.0.1:{port}"})
            master.wait_for_workers()
            master.swarm(4, target.url)

            def shown(master: Any = master) -> Any:
                return {(row["method"], row["name"]): row for row in master.stats()["stats"]}

            master.wait_until("all rows", lambda _: rows <= shown().keys(), 60)
            master.wait_for_requests(200)
            master.stop()
            found = shown()
            seen[module] = {key: (row["avg_content_length"], row["num_failures"]) for key, row in found.items() if key[0]}
            assert found["WS", "connect"]["num_requests"] == 2 and master.exceptions() == []
            master.process.signal(15)
            assert worker.ended() == 0, worker.log
        assert seen["locustpp"] == seen["locust"] and seen["locust"].keys() == rows | {("GET", "/hello/")}

    @scenario
    def test_postgres_user(place: Place) -> None:
        database = Database(place)
        try:
            _use(place, {"DATABASE": f"host=127.0.0.1 port={database.port} user=tester dbname=postgres"})
        finally:
            database.close()

    def _use(place: Place, environment: dict[str, Any]) -> None:
        master = place.master("database.py", env=environment)
        workers = [place.worker(master, "database.py", module=m, name=m, env=environment) for m in ("locust", "locustpp")]
        master.wait_for_workers(2)
        master.swarm(4, "")
        master.wait_for_requests(200)
        master.stop()
        stats = master.stats()
        kinds = {(row["method"], row["name"]): (row["num_requests"], row["num_failures"]) for row in stats["stats"]}
        assert kinds.keys() == {("postgres_success", "execute_query"), ("postgres_failure", "execute_query"), ("", "Aggregated")}
        good, bad = kinds["postgres_success", "execute_query"], kinds["postgres_failure", "execute_query"]
        assert good[0] > 50 and good[1] == 0 and bad[0] == bad[1] > 5
        assert ["no_such_table" in error["error"] for error in stats["errors"]] == [True]
        assert master.exceptions() == []
        master.process.signal(15)
        assert [worker.ended() for worker in workers] == [0, 0], workers[1].log
