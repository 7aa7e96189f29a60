"""What a page says instead of what was asked for."""


class Fault(Exception):
    """A request that cannot be answered as asked; fixed words, for the person at the browser."""

    def __init__(self, status: int, title: str, sentence: str) -> None:
        self.status = status
        self.title = title
        self.sentence = sentence
        super().__init__(title)
