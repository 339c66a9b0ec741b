"""The server behind the page: the set as JSON, splats and photos, on this machine only unless told otherwise.

    GET /                          the page
    GET /api/set                   what the set is (`setpiece.viewer.messages.SetInfo`)
    GET /api/scene.ply             the splats, without columns that are zero
    GET /api/photos/N              the undistorted photo of frame N, in capture order
    GET /api/photos/N/thumbnail    the same, small
    GET /files/splats/scene.ply    the file itself, with range requests

No part of a URL is ever used as a path in the file system.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import os
import socket
import threading
import webbrowser
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from setpiece.errors import SetpieceError
from setpiece.export.scene import SCENE_FILE
from setpiece.progress import Progress, SilentProgress
from setpiece.setfolder import SetFolder
from setpiece.viewer.guard import LOOPBACK_NAMES, Guard
from setpiece.viewer.scene_stream import open_scene
from setpiece.viewer.set_info import posed_frames, set_info
from setpiece.viewer.static import load_page, page_folder

THUMBNAIL_PX = 192  # longer side
_PORTS_TRIED = 20  # when the wanted port is taken


def make_app(
    target: SetFolder,
    allowed_hosts: frozenset[str] = LOOPBACK_NAMES,
    numeric_hosts: bool = False,
    page: Path | None = None,
) -> Starlette:
    """The ASGI application that serves `target`.

    `page` is the folder of the built page, by default where the package has it. Raises SetpieceError when
    the page was not built.
    """
    files = load_page(page or page_folder())
    thumbnail = functools.lru_cache(maxsize=512)(_thumbnail)

    async def static(request: Request) -> Response:
        file = files.get(request.url.path)
        if file is None:
            raise HTTPException(404, "There is no such page.")
        headers = {"cache-control": file.cache_control, "content-type": file.media_type}
        if file.compressed is not None:
            headers["vary"] = "accept-encoding"
            if "gzip" in request.headers.get("accept-encoding", ""):
                return Response(file.compressed, headers={**headers, "content-encoding": "gzip"})
        return Response(file.content, headers=headers)

    async def describe(_: Request) -> Response:
        return JSONResponse(dataclasses.asdict(await run_in_threadpool(set_info, target)))

    async def scene(request: Request) -> Response:
        path = target.path / SCENE_FILE
        if not path.is_file():
            raise HTTPException(404, f"{SCENE_FILE} is missing from this set.")
        stream = await run_in_threadpool(open_scene, path)
        headers = {"etag": f'"{stream.tag}"', "content-length": str(stream.size_bytes)}
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers={"etag": headers["etag"]})
        if request.method == "HEAD":
            return Response(headers=headers, media_type="application/octet-stream")
        return StreamingResponse(stream.chunks(), headers=headers, media_type="application/octet-stream")

    async def scene_file(_: Request) -> Response:
        return _existing(target.path / SCENE_FILE, "application/octet-stream")

    async def photo(request: Request) -> Response:
        return _existing(await run_in_threadpool(_photo, target, request.path_params["index"]), None)

    async def photo_thumbnail(request: Request) -> Response:
        path = await run_in_threadpool(_photo, target, request.path_params["index"])
        if not path.is_file():
            raise HTTPException(404, f"{path.name} is missing from this set.")
        stamp = path.stat().st_mtime_ns
        try:
            content = await run_in_threadpool(thumbnail, path, stamp)
        except OSError:
            raise HTTPException(404, f"{path.name} cannot be read as a picture.") from None
        # Asked for again each time: the next set shown at this port has photos of the same numbers.
        return Response(content, media_type="image/jpeg")

    return Starlette(
        routes=[
            Route("/api/set", describe),
            Route("/api/scene.ply", scene),
            Route("/api/photos/{index:int}", photo),
            Route("/api/photos/{index:int}/thumbnail", photo_thumbnail),
            Route("/files/splats/scene.ply", scene_file),
            Route("/{path:path}", static),
        ],
        middleware=[Middleware(Guard, allowed_hosts=allowed_hosts, numeric=numeric_hosts)],
        exception_handlers={SetpieceError: _sentence, HTTPException: _http_sentence},
    )


def serve(
    target: SetFolder,
    host: str = "127.0.0.1",
    port: int = 8765,
    open_browser: bool = True,
    progress: Progress | None = None,
) -> None:
    """Serve `target` until Ctrl-C; `progress` is told the address.

    `port` 0 takes any free port; a taken port gives way to the next free one. Raises SetpieceError when
    `host` is not an address of this machine, or the page was not built.
    """
    import uvicorn

    progress = progress or SilentProgress()
    own = frozenset({host, socket.gethostname()})
    loopback = host in LOOPBACK_NAMES
    app = make_app(target, LOOPBACK_NAMES if loopback else LOOPBACK_NAMES | own, numeric_hosts=not loopback)
    listening = listen(host, port)
    url = _url(host, listening.getsockname()[1])
    progress.line(f"{target.document()['name']} is at {url}  (Ctrl-C ends it)")
    if not loopback:
        progress.warning(f"Everyone who can reach {host} can see this set.")
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    )
    if open_browser:
        # Its own thread, because a terminal browser would block; the socket listens already.
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        pass  # uvicorn raises it again after a clean end
    finally:
        listening.close()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `host`, on `port` or the next free one.

    Raises SetpieceError when `host` is not an address of this machine or no port is free.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise SetpieceError(
            f"{host} is no address of this machine. Use --host 127.0.0.1 or 0.0.0.0."
        ) from error
    refused: OSError | None = None
    for candidate in range(port, port + _PORTS_TRIED) if port else (0,):
        listening = socket.socket(family, socket.SOCK_STREAM)
        if os.name == "posix":  # elsewhere the flag would let two servers share one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((address[0], candidate))
            listening.listen(64)
            return listening
        except (OSError, OverflowError) as error:
            listening.close()
            refused = error if isinstance(error, OSError) else None
    raise SetpieceError(
        f"nothing can listen on {host}, ports {port} to {port + _PORTS_TRIED - 1}"
        f"{f' ({refused.strerror})' if refused else ''}. Choose another with --port."
    )


def _url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}/"


def _photo(target: SetFolder, index: int) -> Path:
    """The file of frame `index`. Raises HTTPException 404 for no such frame, or one outside of the set."""
    frames = posed_frames(target)
    if not 0 <= index < len(frames):
        raise HTTPException(404, f"There is no photo {index}: the set has {len(frames)}.")
    root = target.path.resolve()
    path = (root / frames[index].image).resolve()
    if not path.is_relative_to(root):  # a damaged or hostile poses.json
        raise HTTPException(404, f"The photo {frames[index].name} lies outside of the set.")
    return path


def _thumbnail(path: Path, _stamp: int) -> bytes:
    from PIL import Image

    with Image.open(path) as image:
        image.draft("RGB", (THUMBNAIL_PX, THUMBNAIL_PX))  # JPEG decodes small at once
        small = image.convert("RGB")
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=80)
    return out.getvalue()


def _existing(path: Path, media_type: str | None) -> Response:
    if not path.is_file():
        raise HTTPException(404, f"{path.name} is missing from this set.")
    return FileResponse(path, media_type=media_type)


def _sentence(_: Request, error: Exception) -> Response:
    return JSONResponse({"problem": str(error)}, status_code=500)


def _http_sentence(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):  # registered for HTTPException only
        raise error
    return JSONResponse({"problem": error.detail}, status_code=error.status_code, headers=error.headers)
