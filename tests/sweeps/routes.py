"""Every route with an address to try it at."""

_PARTS = {
    "entity": "customers",
    "id": "1",
    "secret": "no-such-secret",
    "export_type": "csv",
    "code": "en",
    "filename": "crm.css",
}


def addresses(site, method):
    """Yield (endpoint, address) of every route that answers this method."""
    with site.test_request_context():
        for rule in site.url_map.iter_rules():
            if method in rule.methods:
                parts = {name: _PARTS[name] for name in rule.arguments}
                yield rule.endpoint, rule.build(parts)[1]
