#!/usr/bin/env python3
"""Records random sessions of ndctl and sysfs under a real Linux, as vectors that GoldenReplayTests replays on the model.

    ORACLE_HOME=/var/tmp/oracle deploy/scripts/oracle-sessions.py OUT FIRST LAST     # one session for each seed FIRST..LAST
    PMEMFLEET_VECTORS=OUT dotnet test tests/PmemFleet.Nvdimm.Tests --filter GoldenReplayTests

Needs the oracle of tools/oracle (its setup.sh makes $ORACLE_HOME). A session is about 35 commands on one DIMM, with a snapshot of all lists,
sysfs and the label area after every five; it takes a quarter of a minute. What a session leaves out because real runs differ among
themselves: `all` as a target (libndctl's order), and more than one DIMM (region numbers).
"""
import gzip, lzma, os, random, shutil, subprocess, sys

ORACLE = os.environ.get("ORACLE_HOME", "/var/tmp/oracle")


class Session:
    """One script for the guest: the words r, snap, lab and U are those of the oracle's guest library."""

    def __init__(self, seed):
        self.random, self.uuids, self.lines = random.Random(seed), 100, []
        self.size = self.random.choice(["1G", "1G", "2G", "4G"])
        self.label = self.random.choice(["2M", "2M", "128K"])
        self.write(". /host/glib.sh\nS=/sys/bus/nd/devices")
        version = self.random.choice(["1.1", "1.2", "1.2", None])
        if version or self.random.random() < .5:
            self.write(f"r ndctl disable-region region0; r ndctl init-labels -f {'-V ' + version if version else ''} nmem0; r ndctl enable-region region0")
        steps = [(self.create, 9), (self.reconfigure, 6), (self.destroy, 5), (self.disable, 3), (self.enable, 3), (self.region, 2), (self.attribute, 3),
                 (self.align, 1), (self.bind, 1), (self.list, 2)]
        for number in range(34):
            self.random.choices([step for step, _ in steps], [weight for _, weight in steps])[0]()
            if number % 5 == 4 or number == 33:
                self.write(f"snap s{number}; lab 0 l{number}")

    def write(self, line):
        self.lines.append(line)

    def pick(self, *of):
        return self.random.choice(of)

    def chance(self, share):
        return self.random.random() < share

    def uuid(self):
        self.uuids += 1
        return f"$(U {self.uuids})"

    def namespace(self):
        return f"namespace0.{self.pick(0, 0, 0, 1, 1, 2, 3, 4, 5)}"

    def bytes(self):
        kind = self.random.random()
        return f"{self.pick(16, 32, 48, 64, 96, 128, 160, 256, 384, 512)}M" if kind < .55 \
            else f"{self.pick(1, 2, 3)}G" if kind < .65 \
            else self.pick("17M", "20M", "1", "4K", "16777217", "33554431", "100000K", "15M", "0", "129M", "1030M") if kind < .8 else None

    def options(self, existing):
        words = []
        mode = self.pick("raw", "sector", "fsdax", "devdax", None if existing else "fsdax")
        words += [f"-m {mode}"] if mode else []
        size = self.bytes()
        words += [f"-s {size}"] if size and self.chance(.35 if existing else .92) else []
        words += [f"-n n{self.random.randrange(5)}"] if self.chance(.3) else []
        words += [f"-M {self.pick('mem', 'dev')}"] if self.chance(.35) else []
        words += [f"-a {self.pick('4K', '2M', '1G', '2M', '16M', '64K', '3M')}"] if self.chance(.3) else []
        words += [f"-l {self.pick('512', '520', '528', '4096', '4104', '4160', '4224', '1024', '8192')}"] if self.chance(.3) else []
        words.append(f"-u {self.uuid()}")
        self.random.shuffle(words)
        return " ".join(words)

    def create(self):
        self.write(f"r ndctl create-namespace {self.options(False)}")

    def reconfigure(self):
        self.write(f"r ndctl create-namespace {'-f ' if self.chance(.85) else ''}-e {self.namespace()} {self.options(True)}")

    def destroy(self):
        self.write(f"r ndctl destroy-namespace {'-f ' if self.chance(.7) else ''}{self.namespace()}")

    def disable(self):
        self.write(f"r ndctl disable-namespace {self.namespace()}")

    def enable(self):
        self.write(f"r ndctl enable-namespace {self.namespace()}")

    def region(self):
        self.write("r ndctl disable-region region0")
        kind = self.random.random()
        if kind < .25:
            self.write(f"r ndctl init-labels {'-f ' if self.chance(.8) else ''}{'-V ' + self.pick('1.1', '1.2') if self.chance(.7) else ''} nmem0")
        elif kind < .35:
            self.write("r ndctl zero-labels nmem0")
        elif kind < .5:
            self.write(f"r ndctl destroy-namespace -f {self.namespace()}\nr ndctl enable-namespace {self.namespace()}")
        if self.chance(.1):
            self.write("r ndctl list -RNi\nr ndctl create-namespace -m raw -s 16M")
        self.write("r ndctl enable-region region0")

    def attribute(self):
        self.write("D=$(<$S/region0/namespace_seed)" if self.chance(.33) else f"D={self.namespace()}")
        name = self.pick("size", "size", "size", "uuid", "alt_name", "sector_size", "holder_class", "holder_class")
        value = {
            "size": lambda: self.pick("0", "16777216", "33554432", "20971520", "4096", "67108864", "0x1000000", "1073741824", "134217728"),
            "uuid": self.uuid,
            "alt_name": lambda: self.pick("sys1", "sys2", "renamed"),
            "sector_size": lambda: self.pick("512", "4096", "520", "1000", "0"),
            "holder_class": lambda: self.pick("btt", "pfn", "dax", "raw", "xx"),
        }[name]()
        self.write(f'[ -e $S/$D/{name} ] && r "echo {value} > $S/$D/{name}; cat $S/$D/{name}"')

    def align(self):
        self.write(f'r "echo {self.pick("0x1000000", "0x200000", "4096", "0x40000000", "0x2000000", "1000", "0x1000000")} > $S/region0/align; cat $S/region0/align"')

    def bind(self):
        self.write(f'D={self.namespace()}\n[ -e $S/$D ] && r "echo $D > $S/../drivers/nd_pmem/{self.pick("bind", "unbind")}"')

    def list(self):
        self.write("r ndctl list " + self.pick("-N", "-Ni", "-Nu", "-RNi", "-NX", "-NXv", "-NDR", "-Nm fsdax", "-Nim raw", "-Nm devdax", "-N -n " + self.namespace(), "-R", "-Nim sector", "-NivX"))


def record(out, seed):
    session, name = Session(seed), f"x_{seed}"
    script = os.path.join(ORACLE, "work", name + ".sh")
    with open(script, "w") as file:
        file.write("\n".join(session.lines) + "\n")
    subprocess.run(["bash", f"{ORACLE}/lib/case.sh", name, script, "-t", "400", f"d0.img,{session.size}+{session.label},label={session.label}"], check=True)
    golden, target = os.path.join(ORACLE, "golden", name), os.path.join(out, name)
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    for file in os.listdir(golden):
        data = open(os.path.join(golden, file), "rb").read()
        data, file = (lzma.decompress(data), file[:-3]) if file.endswith(".xz") else (data, file)
        with open(os.path.join(target, file + ".gz"), "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=9, mtime=0, filename="") as packed:
            packed.write(data)


if __name__ == "__main__":
    for number in range(int(sys.argv[2]), int(sys.argv[3]) + 1):
        record(sys.argv[1], number)
