"""What the walks have in common: their options, and how changes are counted and told."""
import argparse


def options(nobody, choices=None):
    """(the names given, the verdicts to be told). nobody: who it is that makes nothing of some changes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--refused", action="store_true", help="tell what is refused, too")
    parser.add_argument("--none", action="store_true", help=f"tell what {nobody}, too")
    parser.add_argument("names", nargs="*", choices=choices and [*choices, []])
    given = parser.parse_args()
    return given.names, {"differs"} | {verdict for verdict in ("refused", "none") if getattr(given, verdict)}


class Tally:
    """Counts verdicts, and tells those that are to be told."""

    def __init__(self, shown):
        self.counts, self.shown = dict(equal=0, refused=0, differs=0, none=0), shown

    def add(self, what, verdict, why):
        self.counts[verdict] += 1
        if verdict in self.shown:
            print(f"{what}: {verdict}: {why}", flush=True)

    def is_equal(self, what, verdict, why):
        """Of what is changed itself: all that is not equal is a difference, and is told."""
        if verdict != "equal":
            print(f"{what} itself {verdict}: {why}", flush=True)
            self.counts["differs"] += 1
        return verdict == "equal"

    def tell(self, name, nobody):
        print(f"{name}: {self.counts['equal']} equal, {self.counts['refused']} refused, {self.counts['differs']} differ, "
              f"{self.counts['none']} {nobody}", flush=True)
        return self.counts["differs"]
