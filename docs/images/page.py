"""Makes the pictures of the page: `python docs/images/page.py runs/starter` (the dev extra, Chromium)."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

HERE = Path(__file__).parent
BEGINNING = "My dear Lottie, your letter came on Friday and has been read aloud three times"


def shoot(browser: Browser, address: str, name: str, width: int, height: int, scheme: str) -> None:
    """A continuation by the recommended settings, with the sources of its first note open."""
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        device_scale_factor=1 if width > 1000 else 2,
    )
    page.goto(address)
    page.locator(".setting").first.wait_for(state="attached")
    page.get_by_label("Your text").fill(BEGINNING)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("status")).to_contain_text(re.compile(r"in the corpus(\.|, but)"), timeout=60_000)
    page.locator("a.found").first.click()
    page.mouse.move(0, 0)
    page.screenshot(path=HERE / name)
    page.close()


def main(run: str) -> None:
    """Serve the run, and take its pictures."""
    command = [sys.executable, "-m", "octavo", "serve", run, "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
        assert server.stdout is not None
        address = json.loads(server.stdout.readline())["address"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        shoot(browser, address, "page.png", 1280, 900, "light")
        shoot(browser, address, "page-phone.png", 390, 844, "dark")
        browser.close()
        server.terminate()


if __name__ == "__main__":
    main(sys.argv[1])
