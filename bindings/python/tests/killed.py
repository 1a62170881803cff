"""Workers that are killed once, in the middle of their work, as a machine might be lost."""

import os
import signal

try:
    from hone.spark import MapInArrow

    class SparkWorker(MapInArrow):
        def __init__(self, work, mark):
            super().__init__(work)
            self.mark = mark

        def __call__(self, batches):
            for i, batch in enumerate(super().__call__(batches)):
                if i == 1:
                    die_once(self.mark)
                yield batch

except ImportError:
    pass

try:
    from hone.ray import Actor

    class RayActor(Actor):
        def __init__(self, work, threads, mark):
            super().__init__(work, threads)
            self.mark, self.n = mark, 0

        def __call__(self, batch):
            self.n += 1
            if self.n == 2:
                die_once(self.mark)
            return super().__call__(batch)

except ImportError:
    pass


def die_once(mark):
    """Leaves a mark, and kills its own process where there was none."""
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
