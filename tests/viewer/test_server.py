"""The server: what it gives, to whom, and what it refuses."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette
from synthetic_set import cameras, make_set, splats

from setpiece.cameras import Camera
from setpiece.errors import SetpieceError
from setpiece.export.ply import read_ply, write_ply
from setpiece.setfolder import SetFolder
from setpiece.splats import Splats
from setpiece.viewer.guard import host_name
from setpiece.viewer.server import listen, make_app
from setpiece.viewer.static import load_page, page_folder


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of three files, so that the server is tested without Node."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "assets").mkdir()
    (folder / "index.html").write_text("<!doctype html><title>Setpiece</title>")
    (folder / "assets" / "index-abc123.js").write_text("export {};" * 100)
    (folder / "icon.svg").write_text("<svg/>")
    return folder


class Client:
    """Asks an application without a server in between."""

    def __init__(self, app: Starlette) -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    def request(self, method: str, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://127.0.0.1") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(ask())

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.request("GET", path, headers)

    def head(self, path: str) -> httpx.Response:
        return self.request("HEAD", path)


def client_of(target: SetFolder, static: Path) -> Client:
    return Client(make_app(target, page=static))


@pytest.fixture
def client(balls: SetFolder, static: Path) -> Client:
    return client_of(balls, static)


def test_set_is_described(client: Client) -> None:
    info = client.get("/api/set").json()
    assert info["name"] == "Four balls"
    assert info["problem"] is None
    unknown = {"scale_known": False, "unit": "units", "scale_error": None}
    assert info["frame"] == {"upright": True, "floor": True, **unknown}
    assert info["scene"]["splats"] == splats().count
    assert [c["name"] for c in info["cameras"]] == list(cameras())
    assert [c["split"] for c in info["cameras"]] == ["train", "train", "test", "train"]
    for described, camera in zip(info["cameras"], cameras().values(), strict=True):
        again = Camera.from_json(described)
        assert again.to_json() == camera.to_json()
    assert info["start_camera"] in range(4)
    low, high = info["scene"]["bounds"]["min"], info["scene"]["bounds"]["max"]
    assert low[0] == pytest.approx(-1.5, abs=0.1)  # the floor, in world axes
    assert high[1] == pytest.approx(1.5, abs=0.1)
    assert -0.01 <= low[2] <= high[2] < 1.4


def test_unit_is_never_metres_while_the_scale_is_unknown(tmp_path: Path, static: Path) -> None:
    target = make_set(tmp_path / "set", unit="m")
    assert client_of(target, static).get("/api/set").json()["frame"]["unit"] == "units"
    target.update_frame(scale_known=True)
    assert client_of(target, static).get("/api/set").json()["frame"]["unit"] == "m"


def test_scene_travels_without_columns_that_are_zero(client: Client, tmp_path: Path) -> None:
    info = client.get("/api/set").json()["scene"]
    answer = client.get(info["url"])
    assert len(answer.content) == info["bytes"] == int(answer.headers["content-length"])
    assert info["sh_degree"] == 0
    assert info["bytes"] < splats().count * 56 + 1000
    (tmp_path / "sent.ply").write_bytes(answer.content)
    sent = read_ply(tmp_path / "sent.ply")
    assert sent.means.tobytes() == splats().means.tobytes()
    again = client.get(info["url"], headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_scene_keeps_the_degree_it_has(tmp_path: Path, static: Path, degree: int) -> None:
    target = make_set(tmp_path / "set")
    plain = splats()
    sh = plain.sh.repeat((degree + 1) ** 2, axis=1) * 0.1
    coloured = Splats(plain.means, plain.log_scales, plain.quats_wxyz, plain.opacity_logits, sh)
    write_ply(target.splats / "scene.ply", coloured)
    client = client_of(target, static)
    info = client.get("/api/set").json()["scene"]
    assert info["sh_degree"] == degree
    (tmp_path / "sent.ply").write_bytes(client.get(info["url"]).content)
    sent, full = read_ply(tmp_path / "sent.ply"), read_ply(target.splats / "scene.ply")
    assert sent.sh.tobytes() == full.sh[:, : (degree + 1) ** 2].tobytes()


def test_scene_file_itself_comes_in_ranges(client: Client, balls: SetFolder) -> None:
    whole = (balls.splats / "scene.ply").read_bytes()
    answer = client.get("/files/splats/scene.ply", headers={"range": "bytes=10-99"})
    assert (answer.status_code, answer.content) == (206, whole[10:100])
    assert answer.headers["content-range"] == f"bytes 10-99/{len(whole)}"
    assert client.get("/files/splats/scene.ply").content == whole
    assert client.get("/files/splats/scene.ply", headers={"range": "bytes=999999999-"}).status_code == 416


def test_photos_and_thumbnails(client: Client, balls: SetFolder) -> None:
    info = client.get("/api/set").json()
    for described in info["cameras"]:
        photo = client.get(described["photo_url"])
        assert photo.content == (balls.poses / "images" / described["name"]).read_bytes()
        assert photo.headers["content-type"] == "image/jpeg"
        with Image.open(io.BytesIO(client.get(described["thumbnail_url"]).content)) as small:
            assert max(small.size) <= 192
            assert small.width / small.height == pytest.approx(
                described["width"] / described["height"], rel=0.02
            )


def test_what_another_set_would_have_too_is_not_kept_by_the_browser(client: Client) -> None:
    for url in ("/api/set", "/api/scene.ply", "/api/photos/0", "/api/photos/0/thumbnail"):
        assert client.get(url).headers["cache-control"] == "no-cache", url


@pytest.mark.parametrize("path", ["/api/photos/4", "/api/photos/99/thumbnail", "/nothing", "/api/photos/x"])
def test_what_is_not_there_is_said(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["problem"].endswith(".")


@pytest.mark.parametrize(
    "path",
    [
        *("/../set.json", "/..%2fset.json", "/%2e%2e/set.json", "/assets/../../set.json", "/set.json"),
        *(
            "/assets/%2e%2e%2f%2e%2e%2fset.json",
            "//etc/passwd",
            "/files/set.json",
            "/files/splats/..%2f..%2fset.json",
        ),
        *("/api/photos/..%2f0", "/api/photos/-1", "/files/splats/scene.ply%00", "/C:/Windows/win.ini"),
    ],
)
def test_no_path_leads_out_of_what_is_served(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_hostile_poses_file_does_not_lead_out_of_the_set(tmp_path: Path, static: Path) -> None:
    target = make_set(tmp_path / "set")
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"secret")
    poses = target.poses / "poses.json"
    document = json.loads(poses.read_text())
    document["frames"][0]["image"] = "../secret.jpg"
    document["frames"][1]["image"] = str(secret)
    document["frames"][2]["image"] = "poses/images/link.jpg"
    (target.poses / "images" / "link.jpg").symlink_to(secret)
    poses.write_text(json.dumps(document))
    client = client_of(target, static)
    for index in range(3):
        for url in (f"/api/photos/{index}", f"/api/photos/{index}/thumbnail"):
            answer = client.get(url)
            assert answer.status_code == 404
            assert "outside of the set" in answer.json()["problem"]


def test_a_photo_that_is_none_has_no_thumbnail(tmp_path: Path, static: Path) -> None:
    target = make_set(tmp_path / "set")
    (target.poses / "images" / "front.jpg").write_bytes(b"this is no picture")
    (target.poses / "images" / "portrait.jpg").unlink()
    client = client_of(target, static)
    assert "cannot be read as a picture" in client.get("/api/photos/0/thumbnail").json()["problem"]
    for url in ("/api/photos/3", "/api/photos/3/thumbnail"):
        assert "missing from this set" in client.get(url).json()["problem"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "10.0.0.7", "127.0.0.1.evil.example", ""]
)
def test_foreign_host_names_are_refused(client: Client, host: str) -> None:
    assert client.get("/api/set", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8765", "127.0.0.1:1", "[::1]:8765", "[::1]"])
def test_own_host_names_are_answered(client: Client, host: str) -> None:
    assert client.get("/api/set", headers={"host": host}).status_code == 200


def test_other_machines_may_be_let_in_by_address_but_not_by_any_name(balls: SetFolder, static: Path) -> None:
    app = make_app(balls, frozenset({"studio.local"}), numeric_hosts=True, page=static)
    client = Client(app)
    codes = {
        h: client.get("/", headers={"host": h}).status_code
        for h in ("192.168.1.5", "studio.local", "evil.example")
    }
    assert codes == {"192.168.1.5": 200, "studio.local": 200, "evil.example": 421}


def test_host_names() -> None:
    assert host_name("Example.COM:80") == "example.com"
    assert host_name("[2001:db8::1]:80") == "2001:db8::1"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT"])
def test_nothing_can_be_changed(client: Client, method: str) -> None:
    for path in ("/", "/api/set", "/api/photos/0"):
        answer = client.request(method, path)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "path", ["/", "/api/set", "/api/scene.ply", "/api/photos/0", "/files/splats/scene.ply"]
)
def test_head_gives_the_headers_alone(client: Client, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize("path", ["/", "/api/set", "/api/photos/0", "/nothing", "/api/scene.ply"])
def test_every_answer_is_guarded(client: Client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"]
    assert "access-control-allow-origin" not in headers


def test_page_is_compressed_and_cached(client: Client) -> None:
    page = client.get("/", headers={"accept-encoding": "identity"})
    assert page.text.startswith("<!doctype html>")
    assert page.headers["cache-control"] == "no-cache"
    script = client.get("/assets/index-abc123.js")
    assert script.headers["content-encoding"] == "gzip"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in script.headers["cache-control"]
    assert script.text == "export {};" * 100
    assert client.get("/icon.svg").headers["content-type"] == "image/svg+xml"


def test_page_files_are_held_in_memory(static: Path) -> None:
    files = load_page(static)
    assert set(files) == {"/", "/icon.svg", "/assets/index-abc123.js"}
    compressed = files["/"].compressed
    assert compressed is not None
    assert gzip.decompress(compressed) == files["/"].content


def test_a_set_without_splats_says_what_to_do(tmp_path: Path, static: Path) -> None:
    info = client_of(make_set(tmp_path / "set", trained=False), static).get("/api/set").json()
    assert info["scene"] is None
    assert "no splats yet" in info["problem"]
    assert "setpiece build" in info["problem"]
    assert len(info["cameras"]) == 4


def test_a_damaged_scene_is_said(tmp_path: Path, static: Path) -> None:
    target = make_set(tmp_path / "set")
    path = target.splats / "scene.ply"
    path.write_bytes(path.read_bytes()[:-1000])
    client = client_of(target, static)
    assert "cut off" in client.get("/api/set").json()["problem"]
    answer = client.get("/api/scene.ply")
    assert answer.status_code == 500
    assert "cut off" in answer.json()["problem"]


def test_a_set_without_poses_is_shown_without_cameras(tmp_path: Path, static: Path) -> None:
    target = make_set(tmp_path / "set")
    shutil.rmtree(target.poses)
    info = client_of(target, static).get("/api/set").json()
    assert info["cameras"] == []
    assert info["start_camera"] is None
    assert info["scene"]["splats"] == splats().count
    assert info["problem"] is None


def test_a_set_that_vanished_is_said(tmp_path: Path, static: Path) -> None:
    target = make_set(tmp_path / "set")
    client = client_of(target, static)
    shutil.rmtree(target.path)
    answer = client.get("/api/set")
    assert answer.status_code == 500
    assert "is not a set" in answer.json()["problem"]


def test_a_new_scene_is_noticed(tmp_path: Path, static: Path) -> None:
    target = make_set(tmp_path / "set")
    client = client_of(target, static)
    before = client.get("/api/set").json()["scene"]
    write_ply(target.splats / "scene.ply", splats().take(list(range(100))))
    after = client.get("/api/set").json()["scene"]
    assert after["splats"] == 100
    assert after["url"] != before["url"]


def test_a_taken_port_gives_way_to_the_next() -> None:
    first = listen("127.0.0.1", 0)
    try:
        port = first.getsockname()[1]
        second = listen("127.0.0.1", port)
        try:
            assert port < second.getsockname()[1] < port + 20
        finally:
            second.close()
    finally:
        first.close()


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(SetpieceError, match=r"192\.0\.2\.1"):
        listen("192.0.2.1", 8765)


def test_a_name_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(SetpieceError, match="no address of this machine"):
        listen("no-such-host.invalid", 8765)


def test_a_missing_page_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("setpiece.viewer.static._package_folders", lambda: [tmp_path])
    with pytest.raises(SetpieceError, match="SETPIECE_VIEWER"):
        page_folder()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for a child alone")
def test_ctrl_c_ends_the_server_cleanly(balls: SetFolder, built_page: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from setpiece.setfolder import SetFolder\n"
        "from setpiece.progress import SilentProgress; from setpiece.viewer.server import serve\n"
        "class Say(SilentProgress):\n    def line(self, text): print(text, flush=True)\n"
        "serve(SetFolder.open(Path(sys.argv[1])), port=0, open_browser=False, progress=Say())\n"
        "print('ended', flush=True)"
    )
    command = [sys.executable, "-c", code, str(balls.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = "http" + process.stdout.readline().partition("http")[2].split()[0]
        with urllib.request.urlopen(f"{url}api/set", timeout=30) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "ended\n", "")
