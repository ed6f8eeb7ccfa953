"""Which addresses we may call: a URL given by a customer must not lead into our own network."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from yarl import URL

from fleetwrite.kit.egress_errors import ForbiddenUrlError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Checked in order; what the standard library calls global is not all fit to be called. RFC 6890 and its
# successors.
_FORBIDDEN: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ip_network(network), kind)
    for network, kind in (
        ("169.254.169.254/32", "a cloud metadata address"),
        ("fd00:ec2::254/128", "a cloud metadata address"),
        ("100.100.100.200/32", "a cloud metadata address"),
        ("168.63.129.16/32", "a cloud metadata address"),  # Azure's host agent, in an otherwise public range
        ("100.64.0.0/10", "a carrier-grade NAT address"),
        ("192.88.99.0/24", "a 6to4 relay address"),
        ("192.0.0.0/24", "an address of network protocols"),
        ("::ffff:0:0/96", "an IPv4-mapped address"),
        ("64:ff9b::/96", "a NAT64 address"),
        ("64:ff9b:1::/48", "a NAT64 address"),
        ("2002::/16", "a 6to4 address"),
        ("2001::/32", "a Teredo address"),
        ("2001::/23", "an address of network protocols"),
        ("3fff::/20", "an address for documentation"),  # RFC 9637, younger than some of the Pythons we run on
    )
)

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""All of IPv6 that was ever given out; what the rest will be for, nobody can say."""

_PRINTABLE: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]+")  # ASCII without blanks and the backslash
_AUTHORITY: Final = re.compile(r"[^:/?#]+://(?P<authority>[^/?#]*)")
_ODD_ADDRESS: Final = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*")  # 127.1, 0x7f000001
_PORT: Final = re.compile(r"(?:\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[1-9][0-9]{0,4}))?")


@dataclass(frozen=True, slots=True)
class UrlPolicy:
    """What may be called: public addresses by HTTPS, unless told otherwise.

    ``allow_http`` permits plain HTTP. ``allowed_networks`` permits addresses that are otherwise refused, such
    as loopback for the sandbox's simulators or a company's own network.
    """

    allow_http: bool = False
    allowed_networks: tuple[Network, ...] = ()

    def check(self, url: str) -> None:
        """Check everything that the text of a URL shows; names are checked again once they are resolved.

        Raises:
            ForbiddenUrlError: naming what is wrong.
        """
        parsed = _parse(url)
        if parsed.scheme != "https" and not (self.allow_http and parsed.scheme == "http"):
            raise ForbiddenUrlError(f"The URL must start with {'http:// or ' if self.allow_http else ''}https://.")
        host = parsed.raw_host or ""
        try:
            address = ip_address(host)
        except ValueError:
            self._check_name(host)
        else:
            self.check_address(address)

    def check_address(self, address: Address) -> None:
        """Check an address that is about to be connected to.

        Raises:
            ForbiddenUrlError: naming the kind of address.
        """
        if any(address in network for network in self.allowed_networks):
            return
        if kind := _kind_of_forbidden(address):
            raise ForbiddenUrlError(f"{address} is {kind}, which may not be called.")

    def _check_name(self, host: str) -> None:
        name = host.rstrip(".").lower()
        if name == "localhost" or name.endswith(".localhost"):
            self.check_address(IPv4Address("127.0.0.1"))
        if _ODD_ADDRESS.fullmatch(name):
            raise ForbiddenUrlError(f"{host} is an odd spelling of an address: write it as four decimal numbers.")


def _parse(url: str) -> URL:
    if not _PRINTABLE.fullmatch(url):
        raise ForbiddenUrlError("The URL holds blanks, a backslash or characters beyond ASCII: encode them.")
    authority = _AUTHORITY.match(url)
    if authority is None:
        raise ForbiddenUrlError("The URL must be absolute, such as https://example.com/path.")
    if "@" in authority["authority"]:
        raise ForbiddenUrlError("The URL must not hold a user name or password.")
    port = _PORT.fullmatch(authority["authority"])
    if port is None or int(port["port"] or 1) > 65535:
        raise ForbiddenUrlError("The URL's port must be a number from 1 to 65535, or absent with its colon.")
    try:
        # The parser of the HTTP client itself, so that no two readings of one URL can differ.
        parsed = URL(url)
    except ValueError as error:
        raise ForbiddenUrlError(f"This is not a valid URL: {error}.") from error
    if not parsed.raw_host:
        raise ForbiddenUrlError("The URL has no host.")
    return parsed


def _kind_of_forbidden(address: Address) -> str | None:
    for network, kind in _FORBIDDEN:
        if address in network:
            return kind
    kinds = (
        (address.is_unspecified, "the unspecified address"),
        (address.is_loopback, "a loopback address"),
        (address.is_link_local, "a link-local address"),
        (address.is_multicast, "a multicast address"),
        (isinstance(address, IPv6Address) and address.is_site_local, "a site-local address"),
        (address.is_reserved, "a reserved address"),
        (address.is_private, "a private address"),
        (not address.is_global, "not a public address"),
        (isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST, "not a public address"),
    )
    return next((kind for applies, kind in kinds if applies), None)
