"""Somebody in front of the connect page, without a browser: follows links, and sends the forms that pages show."""

from html.parser import HTMLParser
from typing import Self
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp


class Form:
    """A form as it stands on a page: where it goes, and what it has in its fields."""

    def __init__(self, action: str, method: str) -> None:
        self.action = action
        self.method = method
        self.fields: dict[str, str] = {}


class Document(HTMLParser):
    """What a page has: text, forms, links, and elements by id."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.forms: dict[str, Form] = {}
        self.links: list[str] = []
        self.ids: dict[str, dict[str, str | None]] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._form: Form | None = None
        self._select: str | None = None
        self._words: list[str] = []
        self.feed(source)

    @property
    def text(self) -> str:
        """What somebody reads."""
        return " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if given.get("id"):
            self.ids[str(given["id"])] = given
        name = given.get("name")
        if tag == "form":
            self._form = Form(given.get("action") or "", (given.get("method") or "get").upper())
            self.forms[self._form.action] = self._form
        elif tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        elif tag in {"input", "textarea"} and name and self._form is not None:
            self._form.fields[name] = given.get("value") or ""
        elif tag == "select" and name:
            self._select = name
        elif tag == "option" and self._select and self._form is not None:
            value = given.get("value") or ""
            if "selected" in given or self._select not in self._form.fields:
                self._form.fields[self._select] = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        self._words.append(data)


class Answer:
    """A page, or where it sends one to."""

    def __init__(self, url: str, status: int, headers: dict[str, str], source: str) -> None:
        self.url = url
        self.status = status
        self.headers = headers
        self.document = Document(source)

    @property
    def location(self) -> str:
        return urljoin(self.url, self.headers["Location"])

    @property
    def text(self) -> str:
        return self.document.text


class Visitor:
    """One browser, with its own cookies."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.http.close()

    async def send(self, method: str, address: str, form: dict[str, str] | None = None, **headers: str) -> Answer:
        """One request, whatever is answered."""
        url = urljoin(self.url, address)
        async with self.http.request(method, url, data=form, headers=headers, allow_redirects=False) as answer:
            return Answer(url, answer.status, dict(answer.headers), await answer.text())

    async def open(self, address: str) -> Answer:
        """Go to an address, and on to wherever it leads on the page itself."""
        return await self.follow(await self.send("GET", address))

    async def follow(self, answer: Answer) -> Answer:
        """Go wherever an answer sends one to, but not to another site."""
        while answer.status in {302, 303} and urlsplit(answer.location).netloc == urlsplit(self.url).netloc:
            answer = await self.send("GET", answer.location)
        return answer

    async def submit(self, page: Answer, action: str, **entered: str) -> Answer:
        """Send a form of a page, with fields filled in; names of fields are written with `__` for a dot."""
        form = page.document.forms[action]
        fields = form.fields | {name.replace("__", "."): value for name, value in entered.items()}
        address = urljoin(page.url, form.action)
        if form.method == "GET":
            return await self.open(f"{address}?{urlencode(fields)}")
        return await self.follow(await self.send("POST", address, fields))

    @property
    def cookie(self) -> str:
        (cookie,) = (one for one in self.http.cookie_jar if one.key.endswith("fleetwrite-visit"))
        return cookie.value
