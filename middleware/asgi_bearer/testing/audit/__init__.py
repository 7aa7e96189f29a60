"""The route audit: which routes of an application are open, and which of them by mistake."""

from asgi_bearer.testing.audit.assertion import assert_guarded, audited
from asgi_bearer.testing.audit.report import Hole, Report

__all__ = ["Hole", "Report", "assert_guarded", "audited"]
