from ipaddress import ip_network

import pytest

from fleetwrite.kit.egress import ForbiddenUrlError, UrlPolicy

STRICT = UrlPolicy()


@pytest.mark.parametrize(
    "url",
    [
        "https://api.samsara.com/fleet/drivers?limit=5",
        "https://example.com:8443/hook",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]:443/",
        "https://xn--bcher-kva.example/",
    ],
)
def test_public_https_addresses_pass(url: str) -> None:
    STRICT.check(url)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://example.com/", "https://"),
        ("ftp://example.com/", "https://"),
        ("file:///etc/passwd", "no host"),
        ("example.com", "absolute"),
        ("https:///path", "no host"),
        ("https://user:pw@example.com/", "user name"),
        ("https://@example.com/", "user name"),
        ("https://example.com:/", "port"),
        ("https://example.com:0/", "port"),
        ("https://example.com:65536/", "port"),
        ("https://example.com:8x/", "port"),
        ("https://example.com:080/", "port"),
        ("https://exa mple.com/", "blanks"),
        ("https://example.com\\@127.0.0.1/", "backslash"),
        ("https://bücher.example/", "ASCII"),
        ("https://localhost/", "loopback"),
        ("https://a.LOCALHOST./", "loopback"),
        ("https://127.0.0.1/", "loopback"),
        ("https://127.9.9.9:8443/", "loopback"),
        ("https://[::1]/", "loopback"),
        ("https://0.0.0.0/", "unspecified"),
        ("https://[::]/", "unspecified"),
        ("https://127.1/", "odd spelling"),
        ("https://0x7f000001/", "odd spelling"),
        ("https://2130706433/", "odd spelling"),
        ("https://0177.0.0.1/", "odd spelling"),
        ("https://10.1.2.3/", "private"),
        ("https://172.16.0.1/", "private"),
        ("https://192.168.0.1/", "private"),
        ("https://[fd00::1]/", "private"),
        ("https://169.254.1.1/", "link-local"),
        ("https://[fe80::1]/", "link-local"),
        ("https://169.254.169.254/latest", "metadata"),
        ("https://[fd00:ec2::254]/", "metadata"),
        ("https://100.100.100.200/", "metadata"),
        ("https://100.64.0.1/", "carrier-grade"),
        ("https://224.0.0.1/", "multicast"),
        ("https://[ff02::1]/", "multicast"),
        ("https://240.0.0.1/", "reserved"),
        ("https://255.255.255.255/", "reserved"),
        ("https://[::7f00:1]/", "reserved"),
        ("https://192.0.2.1/", "private"),
        ("https://[::ffff:8.8.8.8]/", "IPv4-mapped"),
        ("https://[64:ff9b::7f00:1]/", "NAT64"),
        ("https://[2002:7f00:1::]/", "6to4"),
        ("https://[2001::1]/", "Teredo"),
        ("https://192.88.99.1/", "6to4"),
        ("https://[fec0::1]/", "site-local"),
        ("https://192.0.0.8/", "network protocols"),
        ("https://[2001:2::1]/", "network protocols"),
        ("https://[3fff::1]/", "documentation"),
        ("https://[5f00::1]/", "reserved"),
    ],
)
def test_what_is_wrong_is_named(url: str, named: str) -> None:
    with pytest.raises(ForbiddenUrlError, match=named):
        STRICT.check(url)


def test_plain_http_can_be_permitted() -> None:
    UrlPolicy(allow_http=True).check("http://example.com/")


def test_networks_can_be_permitted_and_nothing_beside_them() -> None:
    policy = UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))
    policy.check("http://127.0.0.1:8000/")
    policy.check("http://localhost:8000/")
    with pytest.raises(ForbiddenUrlError, match="private"):
        policy.check("http://10.0.0.1/")
    with pytest.raises(ForbiddenUrlError, match="loopback"):
        policy.check("http://[::1]/")
