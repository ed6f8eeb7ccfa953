"""Zonar's answers, which are XML: read without ever looking at what a document type may declare."""

from typing import Final
from xml.etree import ElementTree as ET

Row = dict[str, str]
"""An asset or an operator of a list: its id, and the text of each element below it."""

_DECLARATIONS: Final = ("<!DOCTYPE", "<!ENTITY")
"""Zonar sends none. Entities that name one another can blow a few bytes up to gigabytes."""


def read_document(body: bytes) -> ET.Element | None:
    """The root of an answer; None where it is no XML in UTF-8, or declares a document type or entities."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    if any(declaration in text for declaration in _DECLARATIONS):
        return None
    try:
        return ET.fromstring(text)  # noqa: S314 - what makes XML dangerous was refused above
    except ET.ParseError:
        return None


def text_of(element: ET.Element, name: str) -> str:
    """The text of a child; empty where there is none."""
    return (element.findtext(name) or "").strip()


def to_row(element: ET.Element) -> Row:
    """An element of a list. What has elements of its own (custom data, the state in the yard) is left out."""
    texts = {child.tag: (child.text or "").strip() for child in element if len(child) == 0}
    return {**texts, **element.attrib}
