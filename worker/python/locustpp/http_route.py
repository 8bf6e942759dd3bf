"""Which connections of an HttpSession are for a request: whom they believe, who the client says it is,
and what proxy they go through."""

from __future__ import annotations

import os
import ssl
from typing import Any, NamedTuple

from requests.exceptions import RequestException
from requests.utils import (
    DEFAULT_CA_BUNDLE_PATH,
    extract_zipped_paths,
    get_auth_from_url,
    prepend_scheme_if_needed,
    select_proxy,
)
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url
from urllib3.util.ssl_ import create_urllib3_context

# How strictly the installed urllib3 verifies.
_VERIFY_FLAGS = int(create_urllib3_context().verify_flags)
PLAIN = object()  # for the verify of a Route without TLS
# Those that can be used; the files of the others may still come.
_known: dict[Route, dict[str, Any]] = {}


class Route(NamedTuple):
    verify: Any
    cert: Any
    proxy: str | None

    @classmethod
    def of(cls, url: str, verify: Any, cert: Any, proxies: Any) -> Route:
        """For this URL, with the settings that requests has come to."""
        verify = verify if url[:5].lower() == "https" else PLAIN
        proxy = select_proxy(url, proxies) if proxies else None
        return cls(verify, cert or None, proxy or None)

    def serves(self, other: Route) -> bool:
        """Whether connections of this route do for the other, which is of a URL."""
        return self[1:] == other[1:] and other.verify in (PLAIN, self.verify)

    def settings(self) -> dict[str, Any] | None:
        """For Session._open(); None where the native client cannot do it, or urllib3 has to say what is
        wrong."""
        try:
            found = _known.get(self)
            if found is None:
                found = _known[self] = {**_tls(self.verify, self.cert), **_proxy(self.proxy)}
        except (OSError, ValueError, TypeError, RequestException, HTTPError):
            return None
        return found


def _tls(verify: Any, cert: Any) -> dict[str, Any]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # only to see whether the files are good
    settings: dict[str, Any] = {}
    if verify is True:
        settings = {"verify": True, "ca_file": extract_zipped_paths(DEFAULT_CA_BUNDLE_PATH)}
    elif verify is not False and verify is not PLAIN:
        is_folder = os.path.isdir(verify)
        context.load_verify_locations(None if is_folder else verify, verify if is_folder else None)
        settings = {"verify": True, "ca_file": os.fsdecode(verify)}
    if cert is not None:
        cert_file, key_file = (os.fsdecode(file) for file in (cert if isinstance(cert, tuple) else (cert, cert)))
        # A key with a passphrase is for OpenSSL to ask the terminal about.
        context.load_cert_chain(cert_file, key_file, lambda: "")
        settings |= {"cert_file": cert_file, "key_file": key_file}
    return {**settings, "verify_flags": _VERIFY_FLAGS}


def _proxy(proxy: str | None) -> dict[str, Any]:
    if proxy is None:
        return {}
    url = parse_url(prepend_scheme_if_needed(proxy, "http"))
    user, password = get_auth_from_url(proxy)
    if url.scheme != "http" or not url.host or not (user + password).isascii():
        raise ValueError(proxy)
    host = url.host.strip("[]")
    return {"proxy_host": host, "proxy_port": url.port or 80, "proxy_user": user, "proxy_password": password if user else ""}
