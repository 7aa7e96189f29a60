"""What the authorization server remembers: sign-ins, consents, grants, and the tokens of grants.

Three rules hold for all of it. A secret (a session's, a code, a refresh token) is stored as its
SHA-256 digest only. What can be used once is marked by the one statement that also asks whether
it was marked, so that of two callers one loses. And nothing grows without bound: what has ended
is deleted when the next of its kind comes, and of each kind a holder has so many at most.
"""

from demo.authorization_server.state.grants import Code, Grant
from demo.authorization_server.state.sessions import Session, SignIns
from demo.authorization_server.state.tokens import GrantedTokens, RefreshToken

__all__ = ["Code", "Grant", "RefreshToken", "Session", "State"]


class State(SignIns, GrantedTokens):
    """All of the state, in one file; times are whole seconds since the epoch."""
