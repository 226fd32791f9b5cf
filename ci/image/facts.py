"""What only Django knows of a project, for the pipeline (ci/src/packaging/facts.ts) and check_site.py."""

# Usual addresses that tell whether a site is healthy.
HEALTH = ("healthz/live", "healthz/", "healthz", "health/", "health", "-/health/", "health/live", "livez", "ht/", "up", "ping/")


def facts(root):
    """What is to be verified on a site; `root` has the collected static files."""
    # A view for every path, as those of content management systems, says nothing about one of them.
    others = (None, view_of("no-such-page-of-stackline"), view_of("no-such-page-of-stackline/"))

    def answers(path):
        return view_of(path) not in others

    return {
        "staticFile": a_file(root),
        "health": next((path for path in HEALTH if answers(path)), None),
        "hasChecks": answers("checks") or answers("checks/"),
    }


def view_of(path):
    """The view that answers a request, or None."""
    from django.urls import Resolver404, resolve

    try:
        return resolve("/" + path).func
    except Resolver404:
        return None


def a_file(root):
    """The path of one static file: a stylesheet, if there is one. Served at the same path."""
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    styles = [path for path in paths if path.suffix == ".css"]
    return next((f"/{path.relative_to(root)}" for path in styles + paths), None)
