from pathlib import Path

from acceptance.browser import rendered
from acceptance.stack import Stack
from fleetwrite.api.app import ENDPOINTS


async def test_the_documentation_page_shows_every_endpoint_in_a_browser(tmp_path: Path) -> None:
    async with Stack(tmp_path) as stack:
        page = await rendered(f"{stack.api_url}/docs", until=f'[data-path="{ENDPOINTS[-1].path}"]')
    assert "Failed to load API definition" not in page
    missing = [endpoint.path for endpoint in ENDPOINTS if f'data-path="{endpoint.path}"' not in page]
    assert missing == []
