"""Output in bounded memory: the beginning and the end, with a note of what is cut between them."""


class Ends:
    """The beginning and the end of a text (str or bytes) that arrives in pieces; at most `each` of both."""

    def __init__(self, empty, each):
        self.empty, self.each = empty, each
        self.clear()

    def clear(self):
        self.cut = 0
        self.head, self.room = [], self.each
        self.tail, self.held = [], 0

    def add(self, piece):
        if self.room > 0:
            self.head.append(piece[: self.room])
            piece, self.room = piece[self.room :], max(0, self.room - len(piece))
        if piece:
            self.tail.append(piece)
            self.held += len(piece)
        # Rarely, because it copies.
        if self.held > 2 * self.each:
            self._trim()

    def ends(self):
        """Both ends, and the length of what was cut between them."""
        self._trim()
        return self.empty.join(self.head), self.empty.join(self.tail), self.cut

    def _trim(self):
        text = self.empty.join(self.tail)
        kept = text[-self.each :]
        self.cut += len(text) - len(kept)
        self.tail, self.held = [kept], len(kept)


def clip(text, each):
    """A text of any length, with its middle cut."""
    ends = Ends("", each)
    ends.add(text)
    return joined(ends)


def joined(ends):
    """Both ends of a text, with a line between them that says what is missing."""
    head, tail, cut = ends.ends()
    return f"{head}\n[... {cut} characters cut here ...]\n{tail}" if cut else head + tail


class Tee:
    """A text stream that also keeps the ends of what is written to it."""

    def __init__(self, stream, kept):
        self.stream, self.kept = stream, kept

    def write(self, text):
        self.kept.add(text)
        return self.stream.write(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def __getattr__(self, name):
        return getattr(self.stream, name)
