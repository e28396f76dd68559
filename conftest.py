"""Settings every test of the repository shares."""

import contextlib

with contextlib.suppress(ImportError):
    from hypothesis import settings

    # A shared or busy machine makes single examples slow without anything being wrong. On CI
    # (CI=true) hypothesis loads its own profile, which also draws the same examples every time.
    if settings.default is not None and settings.default.deadline is not None:
        settings.register_profile("gradine", deadline=None)
        settings.load_profile("gradine")
