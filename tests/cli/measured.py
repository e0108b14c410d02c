"""measured.py - commands run by the launcher peak.c, for tests of budgets."""
import os
import re
import subprocess
import tempfile


class Outcome:
    """code (-1: ended by `signal`), peak in KiB, milliseconds, and what was said."""

    def __init__(self, numbers, said, out):
        self.code, self.signal, self.peak_kib, self.ms = numbers
        self.said, self.out = said, out

    def named_mib(self):
        """The budget that a refusal names, the largest of those of a batch, or None."""
        found = re.findall(r"(?:the smallest budget that works is|a budget of) (\d+) MiB",
                           self.said)
        return max(map(int, found)) if found else None

    def has_no_end(self):
        return "no end was seen" in self.said


def run(peak, arguments, group="-", source=None, keeps_out=False, timeout=300):
    """Runs the arguments; `source` is a command of the shell whose output is read."""
    with tempfile.NamedTemporaryFile() as numbers, tempfile.TemporaryFile("w+") as said, \
            tempfile.TemporaryFile("w+") as out:
        feeder = subprocess.Popen(source, shell=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL) if source else None
        subprocess.run([peak, numbers.name, group, *map(str, arguments)],
                       stdin=feeder.stdout if feeder else subprocess.DEVNULL,
                       stdout=out if keeps_out else subprocess.DEVNULL, stderr=said,
                       check=True, timeout=timeout)
        if feeder:
            feeder.stdout.close()
            feeder.wait()
        said.seek(0)
        out.seek(0)
        return Outcome([int(n) for n in numbers.read().split()], said.read(), out.read())


class Group:
    """A cgroup of this process's own with a memory limit; `folder` is None where the system
    does not let us make one, and `why` says so."""

    def __init__(self):
        self.folder, self.why = None, "no memory controller of cgroups"
        name = f"grating-test-{os.getpid()}"
        for parent, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
                              ("/sys/fs/cgroup", "memory.max")):
            folder = os.path.join(parent, name)
            try:
                os.mkdir(folder)
            except OSError as error:
                self.why = f"{folder}: {error.strerror}"
                continue
            if os.path.exists(os.path.join(folder, limit)):
                self.folder, self.limit = folder, os.path.join(folder, limit)
                return
            os.rmdir(folder)
            self.why = f"{parent} has no memory controller"

    def set_mib(self, mib):
        """Sets the limit; earlier page cache of the group goes."""
        try:
            with open(os.path.join(self.folder, "memory.force_empty"), "w") as file:
                file.write("0\n")
        except OSError:
            pass
        with open(self.limit, "w") as file:
            file.write(f"{mib << 20}\n")

    def close(self):
        if self.folder:
            os.rmdir(self.folder)
