"""What the audit found: holes, public routes, guarded routes, routes that it could not reach."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hole:
    """A route that is open by mistake.

    Attributes:
        methods: the HTTP methods, or `WEBSOCKET`.
        path: the template of the path, as `public` of `assert_guarded` takes it.
        endpoint: module, name and line of the function or class.
        why: what the audit saw.
        change: what closes the hole.
    """

    methods: tuple[str, ...]
    path: str
    endpoint: str
    why: str
    change: str

    def __str__(self) -> str:
        methods = ", ".join(self.methods)
        start = f"{methods} {self.path}".strip()
        endpoint = f" -> {self.endpoint}" if self.endpoint else ""
        return f"{start}{endpoint}\n    {self.why}\n    {self.change}"


@dataclass(frozen=True, slots=True)
class Checked:
    """A route that is no hole.

    Attributes:
        why: for a route that was not reached, the reason.
    """

    methods: tuple[str, ...]
    path: str
    endpoint: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of an audit.

    Attributes:
        holes: what is open by mistake, or could not be checked.
        public: what is open on purpose.
        guarded: what refuses requests without a token, and tokens without the declared scope.
        not_reached: what does not answer at its own path, each with the reason.
        unread: the paths below which the audit does not know the routes of the framework.
    """

    holes: tuple[Hole, ...]
    public: tuple[Checked, ...]
    guarded: tuple[Checked, ...]
    not_reached: tuple[Checked, ...]
    unread: tuple[str, ...]

    def __str__(self) -> str:
        noun = "hole" if len(self.holes) == 1 else "holes"
        return "\n".join(
            [
                f"{len(self.holes)} {noun}:",
                *(f"  {hole}" for hole in self.holes),
                *(
                    f"{path}: the audit does not know the routes of this framework; it tried one "
                    "path, and the entries of `public`"
                    for path in self.unread
                ),
            ]
        )
