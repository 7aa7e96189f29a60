"""The route audit: which routes of an application are open, and which of them by mistake."""

from asgi_bearer.testing.audit.report import Hole, Report
from asgi_bearer.testing.audit.run import assert_guarded, audited

__all__ = ["Hole", "Report", "assert_guarded", "audited"]
