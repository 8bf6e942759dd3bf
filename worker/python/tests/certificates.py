"""A certificate authority of the tests' own, and what it and nobody vouches for, made by openssl."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
LEAF = "basicConstraints=CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"


class Certificates:
    """In `folder`: ca.pem; NAME.pem and NAME.key for server (localhost, 127.0.0.1), other (elsewhere.example)
    and client; client-both.pem, with its key; alone.pem, which nobody has signed; hashed/, where the
    authority is found by the hash of its name, and empty/."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._make("ca", "/CN=an authority", CA)
        for name, names in {"server": "DNS:localhost,IP:127.0.0.1", "other": "DNS:elsewhere.example", "client": "DNS:client"}.items():
            self._make(name, f"/CN={name}", f"{LEAF}subjectAltName={names}\n", "-CA", self.path("ca.pem"), "-CAkey", self.path("ca.key"))
        self._make("alone", "/CN=localhost", CA)
        both = self.folder / "client-both.pem"
        both.write_text(Path(self.path("client.pem")).read_text() + Path(self.path("client.key")).read_text())
        (self.folder / "garbage.pem").write_text("no certificate\n")
        (self.folder / "empty").mkdir()
        hashed = self.folder / "hashed"
        hashed.mkdir()
        shutil.copy(self.path("ca.pem"), hashed)
        self._openssl("rehash", str(hashed))

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def _make(self, name: str, subject: str, extensions: str, *signer: str) -> None:
        configuration = self.folder / f"{name}.cnf"
        configuration.write_text(f"[req]\ndistinguished_name=dn\nx509_extensions=own\n[dn]\n[own]\n{extensions}")
        request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config", str(configuration)]
        self._openssl(*request, "-subj", subject, "-keyout", self.path(f"{name}.key"), "-out", self.path(f"{name}.pem"), *signer)

    @staticmethod
    def _openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)
