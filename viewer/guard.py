"""What every request passes first: the right host name, reading only, and answers that a browser can trust.

A page on the internet can point a name of its own at 127.0.0.1 and read what listens there (DNS rebinding).
Such a request carries the foreign name in its Host header, so names that are not ours are refused. Numeric
addresses cannot be rebound.
"""

from __future__ import annotations

import ipaddress

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

# Nothing from elsewhere, nothing inline. Blobs: the depth-sorting worker is made from one, and so are
# pictures that the page draws itself.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self' blob:",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Guard:
    """ASGI middleware: refuses foreign hosts and anything but GET and HEAD, and sets the security headers.

    `allowed_hosts` are the names that may stand in the Host header, without a port. With `numeric` any IP
    address may stand there too: for a server that is meant to be reached from other machines.
    """

    def __init__(
        self, app: ASGIApp, allowed_hosts: frozenset[str] = LOOPBACK_NAMES, numeric: bool = False
    ) -> None:
        self._app = app
        self._allowed = frozenset(name.lower() for name in allowed_hosts)
        self._numeric = numeric

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refused request; pass every other one on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-cache")
            await send(message)

        answer: ASGIApp = self._app
        if not self._is_ours(Headers(scope=scope).get("host", "")):
            answer = PlainTextResponse(
                "This server answers under its own address only. Open the address that setpiece printed.\n",
                status_code=421,
            )
        elif scope["method"] not in ("GET", "HEAD"):
            answer = PlainTextResponse(
                "This server only reads: GET and HEAD.\n", status_code=405, headers={"allow": "GET, HEAD"}
            )
        await answer(scope, receive, send_guarded)

    def _is_ours(self, host: str) -> bool:
        name = host_name(host)
        if name in self._allowed:
            return True
        if not self._numeric:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def host_name(host: str) -> str:
    """The name in a Host header, lower case, without port and brackets."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
