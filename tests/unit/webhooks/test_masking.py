import pytest

from fleetwrite.webhooks.masking import mask_url


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("https://example.com/webhooks/s3cret", "https://example.com/webhooks/*****"),
        ("https://example.com:8443/a/b/c/", "https://example.com:8443/a/b/*****/"),
        ("https://example.com/one", "https://example.com/*****"),
        ("https://example.com", "https://example.com"),
        ("https://example.com/", "https://example.com/"),
        ("https://example.com/in?token=s3cret", "https://example.com/*****?*****"),
        ("https://user:s3cret@example.com/in", "https://*****@example.com/*****"),
        ("https://s3cret@example.com/", "https://*****@example.com/"),
        ("https://example.com/in#s3cret", "https://example.com/*****#*****"),
        ("https://[2001:db8::1]:8443/in", "https://[2001:db8::1]:8443/*****"),
    ],
)
def test_whatever_may_be_a_secret_in_a_url_is_masked(url: str, masked: str) -> None:
    assert mask_url(url) == masked
