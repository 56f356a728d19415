#!/usr/bin/env python3
"""Exports DIMM images from a running PmemFleet, boots real Linux on them, and compares what both list.

    export PMEMFLEET_URL=... PMEMFLEET_KEY=...      # as the lab prints them
    ORACLE_HOME=/var/tmp/oracle deploy/scripts/oracle.py [--keep] [--only modes|pairs|linux] [--out FILE]

Needs the oracle of tools/oracle (its setup.sh makes $ORACLE_HOME): QEMU without KVM, Debian's kernel, ndctl and daxctl.
Every run makes hosts of its own, named after the time. The exit code is 0 where nothing differs.
"""
import argparse, datetime, hashlib, json, os, random, re, shutil, subprocess, sys, tempfile, time, urllib.error, urllib.request

URL, KEY = os.environ["PMEMFLEET_URL"].rstrip("/"), os.environ["PMEMFLEET_KEY"]
ORACLE = os.environ.get("ORACLE_HOME", "/var/tmp/oracle")
MiB, GiB = 1 << 20, 1 << 30
LABEL = 128 << 10
SECTOR_SIZES = [512, 520, 528, 4096, 4104, 4160, 4224]
BASE = 4 * GiB        # where QEMU's q35 puts the first NVDIMM of a guest with 2 GiB of memory
SERIAL = 0x123456     # QEMU's NVDIMM in slot n has this serial number plus n
# of the machine, not of the image: QEMU's firmware has no scrub, and one SMBIOS handle for all its NVDIMMs
PLATFORM = {"scrub_state", "phys_id"}
STAMP = datetime.datetime.now(datetime.timezone.utc).strftime("%m%d%H%M%S")


def call(method, path, body=None, raw=False, stream_to=None, file=None, refusable=False):
    headers = {"Authorization": f"Bearer {KEY}", "Prefer": "wait=60", "If-Match": "*"}
    if method == "POST":
        del headers["If-Match"]
    data = None
    if file:
        data = open(file, "rb")
        headers |= {"Content-Type": "application/octet-stream", "Content-Length": str(os.path.getsize(file))}
    elif isinstance(body, bytes):
        data = body
        headers["Content-Type"] = "application/octet-stream"
    elif method != "GET":
        data = json.dumps(body or {}).encode()
        headers["Content-Type"] = "application/json"
    for attempt in range(60):
        try:
            with urllib.request.urlopen(urllib.request.Request(URL + path, data, headers, method=method), timeout=600) as answer:
                if stream_to:
                    return save_sparse(answer, stream_to)
                got = answer.read()
                if answer.status == 202:
                    return follow(json.loads(got))
                return got if raw else json.loads(got or b"null")
        except urllib.error.HTTPError as refused:
            text = refused.read().decode()
            if refusable and refused.code != 503:
                return json.loads(text)
            if refused.code != 503 or file:
                raise SystemExit(f"{method} {path} {body}: {refused.code} {text}")
        time.sleep(0.5)
    raise SystemExit(f"{method} {path}: not ready for too long")


def follow(operation):
    while operation["state"] in ("pending", "running"):
        time.sleep(0.3)
        operation = call("GET", f"/v1/operations/{operation['id']}")
    if operation["state"] != "succeeded":
        raise SystemExit(f"{operation}")
    return operation.get("result")


def save_sparse(answer, path):
    """Saves a stream; runs of zeroes become holes."""
    size, block = 0, 1 << 20
    with open(path, "wb") as file:
        while chunk := answer.read(block):
            if chunk.count(0) != len(chunk):
                file.seek(size)
                file.write(chunk)
            size += len(chunk)
        file.truncate(size)
    return size


def dimm(capacity, slot):
    return {"capacity": capacity, "labelSize": LABEL, "serialNumber": hex(SERIAL + slot), "vendorId": "0x8086"}


def make_host(name, capacities, sets=None, first_slot=0):
    """A host whose DIMMs are a QEMU guest's: each its own region, one after the other; or with interleave sets."""
    regions, start = [], BASE
    for index, capacity in enumerate(capacities):
        regions.append({"dimms": [f"nmem{index}"], "start": start})
        start += capacity
    if sets:
        regions = [{"dimms": [f"nmem{index}" for index in ways]} for ways in sets]
    call("POST", "/v1/hosts", {"name": name, "dimms": [dimm(c, first_slot + i) for i, c in enumerate(capacities)], "regions": regions})
    while call("GET", f"/v1/hosts/{name}")["state"] != "ready":
        time.sleep(0.3)


def init_labels(host, versions, regions=None):
    regions = regions if regions is not None else len(versions)
    for index in range(regions):
        call("POST", f"/v1/hosts/{host}/regions/region{index}/disable")
    for index, version in enumerate(versions):
        if version:
            call("POST", f"/v1/hosts/{host}/dimms/nmem{index}/labels/init", {"version": version})
    for index in range(regions):
        call("POST", f"/v1/hosts/{host}/regions/region{index}/enable")


def create(host, region, **wanted):
    made = call("POST", f"/v1/hosts/{host}/namespaces", {"region": f"region{region}", **wanted})
    if made["mode"] != "devdax":
        write_data(host, made)
    return made


def write_data(host, made):
    """Data in the first, some middle and the last sectors, some of them twice: a BTT then has moved blocks."""
    sector = made["sectorSize"] if made["mode"] == "sector" else 4096
    sector = 4096 if sector >= 4096 else 512
    size = made["size"] // sector * sector
    draw = random.Random(made["name"] + made["mode"])
    for offset in [0, size - sector, *(draw.randrange(size // sector) * sector for _ in range(4)), 0]:
        call("PUT", f"/v1/hosts/{host}/namespaces/{made['name']}/data?offset={offset}", draw.randbytes(sector))


def digests(host):
    """SHA-256 of the first and the last MiB of every block device, by name."""
    found = {}
    for device in call("GET", f"/v1/hosts/{host}/ndctl/list?namespaces=true"):
        if "blockdev" in device:
            path = f"/v1/hosts/{host}/namespaces/{device['dev']}/data"
            size = device["size"] // MiB * MiB
            found[device["blockdev"]] = [hashlib.sha256(call("GET", f"{path}?offset={offset}&length={MiB}", raw=True)).hexdigest() for offset in (0, size - MiB)]
    return found


ERRNO = {"ENXIO": 250, "ENODEV": 237, "EINVAL": 234, "EBUSY": 240}


def checks(host):
    """What check-namespace exits with, by namespace: as ndctl, 0 or 256 less the errno."""
    found = {}
    for device in call("GET", f"/v1/hosts/{host}/ndctl/list?namespaces=true&mode=sector"):
        answer = call("POST", f"/v1/hosts/{host}/namespaces/{device['dev']}/check", {"force": True}, refusable=True)
        found[device["dev"]] = ERRNO[answer["errno"]] if "errno" in answer else 0
    return found


GUEST = r"""
. /host/glib.sh
set +e
modprobe nd_btt; modprobe dax_pmem; modprobe device_dax
@PREPARE@
ndctl list -BDRNiX -v -M > $OUT/ndctl.json 2>$OUT/ndctl.err
ndctl list -BDRNiX > $OUT/plain.json; ndctl list -Nu > $OUT/human.json
daxctl list -RDi -M > $OUT/daxctl.json 2>$OUT/daxctl.err
ndctl list -N | jq -r 'if type=="array" then .[] else . end | select(.blockdev) | "\(.blockdev) \(.size)"' > $OUT/blocks
while read b s; do
 n=$(( s / 1048576 - 1 ))
 echo "$b $(dd if=/dev/$b bs=1M count=1 2>/dev/null | sha256sum | cut -c1-64) $(dd if=/dev/$b bs=1M count=1 skip=$n 2>/dev/null | sha256sum | cut -c1-64)" >> $OUT/digests
done < $OUT/blocks
for n in $(ndctl list -N -m sector | jq -r 'if type=="array" then .[].dev else .dev end'); do
 ndctl disable-namespace $n >/dev/null 2>&1; ndctl check-namespace $n >/dev/null 2>&1; echo "$n $?" >> $OUT/checks
done
uname -r > $OUT/kernel; ndctl --version > $OUT/ndctl.version
"""


def boot(images, prepare="", write=False):
    work = tempfile.mkdtemp(dir=f"{ORACLE}/work")
    with open(f"{work}/guest.sh", "w") as script:
        script.write(GUEST.replace("@PREPARE@", prepare))
    subprocess.run([f"{ORACLE}/run.sh", "-t", "900", "-L", str(LABEL), "-s", f"{work}/guest.sh", "-o", f"{work}/out", *images],
                   env=os.environ | {"ORACLE_HOME": ORACLE, "ORACLE_SHARE": "on" if write else "off"}, check=True)
    read = lambda name: open(f"{work}/out/{name}", errors="replace").read() if os.path.exists(f"{work}/out/{name}") else ""
    parsed = lambda name: json.loads(read(name) or "[]")
    result = {
        "ndctl": parsed("ndctl.json"), "plain": parsed("plain.json"), "human": parsed("human.json"), "daxctl": parsed("daxctl.json"),
        "digests": {l.split()[0]: l.split()[1:] for l in read("digests").splitlines()},
        "checks": {l.split()[0]: int(l.split()[1]) for l in read("checks").splitlines()},
        "kernel": f"Linux {read('kernel').strip()}, ndctl {read('ndctl.version').strip()}", "stderr": read("stderr"), "stdout": read("stdout"),
    }
    shutil.rmtree(work)
    return result


def listed(host):
    query = "buses=true&dimms=true&regions=true&namespaces=true&idle=true&deviceDax=true"
    return {
        "ndctl": call("GET", f"/v1/hosts/{host}/ndctl/list?{query}&verbose=1&mediaErrors=true"),
        "plain": call("GET", f"/v1/hosts/{host}/ndctl/list?{query}"),
        "human": call("GET", f"/v1/hosts/{host}/ndctl/list?namespaces=true&human=true"),
        "daxctl": call("GET", f"/v1/hosts/{host}/daxctl/list?regions=true&devices=true&mappings=true"),
    }


def key_of(item):
    name = next((item[k] for k in ("dev", "chardev", "dimm", "path", "id", "offset") if isinstance(item, dict) and k in item), item)
    return [(int(part) if part.isdigit() else 0, part) for part in re.findall(r"\d+|\D+", str(name))]


def differences(linux, fleet, at=""):
    """Every member of both documents; lists are compared by device, because ndctl lists in readdir order."""
    if isinstance(linux, dict) and isinstance(fleet, dict):
        for key in linux.keys() | fleet.keys():
            here = f"{at}.{key}"
            if key not in linux or key not in fleet:
                yield here, linux.get(key, "(absent)"), fleet.get(key, "(absent)")
            else:
                yield from differences(linux[key], fleet[key], here)
        shared = [k for k in linux if k in fleet]
        if at and shared != [k for k in fleet if k in linux]:
            yield at + " (order of members)", shared, [k for k in fleet if k in linux]
    elif isinstance(linux, list) and isinstance(fleet, list):
        left, right = sorted(linux, key=key_of), sorted(fleet, key=key_of)
        if len(left) != len(right):
            yield at + " (count)", [l.get("dev", l) if isinstance(l, dict) else l for l in left], [r.get("dev", r) if isinstance(r, dict) else r for r in right]
            return
        for one, other in zip(left, right):
            yield from differences(one, other, f"{at}[{one.get('dev', one.get('chardev', '')) if isinstance(one, dict) else ''}]")
    elif linux != fleet or type(linux) is not type(fleet):
        yield at, linux, fleet


def in_a_list(document):
    return document if isinstance(document, list) else [document]


def by_dimm(seen):
    """Linux numbers regions as their probes end. Here the region over nmemN is regionN, and what is in it is named after it."""
    number = {}
    for region in in_a_list(seen["ndctl"])[0]["regions"]:
        number[region["dev"][6:]] = region["mappings"][0]["dimm"][4:]
    rename = lambda text: re.sub(r"(?<![\w.])(region|namespace|pmem|dax|btt|pfn)(\d+)(?=[.s]|$)", lambda m: m[1] + number.get(m[2], m[2]), text)

    def walk(node, key=""):
        if isinstance(node, dict):
            return {rename(k): walk(v, k) for k, v in node.items() if k not in PLATFORM}
        if isinstance(node, list):
            return [walk(item, key) for item in node]
        if key == "id" and isinstance(node, int):
            return int(number.get(str(node), node))
        if key == "path":
            return re.sub(r"/(region|dax)(\d+)", lambda m: "/" + m[1] + number.get(m[2], m[2]), node)
        return rename(node) if isinstance(node, str) and key not in ("name", "uuid", "raw_uuid") else node
    return walk(seen)


def compare(name, host, linux, fleet, kept, fleet_digests):
    found = []
    linux, fleet = by_dimm(linux), by_dimm(fleet)
    for part in ("ndctl", "plain", "human", "daxctl"):
        found += [(part + at, a, b) for at, a, b in differences(in_a_list(linux[part]), in_a_list(fleet[part]))]
    found += [(f"data{at}", a, b) for at, a, b in differences(linux["digests"], fleet_digests)]
    found += [(f"check {d['subject']}.{d['field']}", d["onMedia"], d["inRows"]) for d in call("GET", f"/v1/hosts/{host}/check")["differences"]]
    found += [(f"check-namespace{at}", a, b) for at, a, b in differences(linux["checks"], by_dimm({"ndctl": fleet["ndctl"], "checks": checks(host)})["checks"])]
    count = sum(len(region.get("namespaces", [])) for bus in in_a_list(linux["ndctl"]) for region in bus.get("regions", []))
    print(f"{name}: {count} namespaces, {len(linux['digests'])} block devices read, {len(linux['checks'])} BTTs checked; {len(found)} differences", flush=True)
    for at, a, b in found:
        print(f"  {at}\n    Linux     {json.dumps(a)}\n    PmemFleet {json.dumps(b)}")
    kept[name] = {"kernel": linux["kernel"], "namespaces": count, "differences": len(found)}
    return len(found)


def export(host, count, folder):
    images = []
    for index in range(count):
        images.append(f"{folder}/{host}-nmem{index}.img")
        call("GET", f"/v1/hosts/{host}/dimms/nmem{index}/image", stream_to=images[-1])
    return images


def import_images(host, images):
    for index in range(len(images)):
        call("POST", f"/v1/hosts/{host}/regions/region{index}/disable")
    for index, image in enumerate(images):
        call("PUT", f"/v1/hosts/{host}/dimms/nmem{index}/image", raw=True, file=image)
    # names are given at boot, in the order of the labels
    call("POST", f"/v1/hosts/{host}/power", {"action": "cycle"})
    while call("GET", f"/v1/hosts/{host}")["state"] != "ready":
        time.sleep(0.3)
    for index in range(len(images)):
        call("POST", f"/v1/hosts/{host}/regions/region{index}/enable")


def fill_pages(host, region, sizes, aligns):
    for mode in ("fsdax", "devdax"):
        for map_ in ("mem", "dev"):
            for align in aligns:
                create(host, region, mode=mode, map=map_, align=align, size=sizes)


def modes(folder, kept):
    """Every mode, map, align, sector size and label version, many namespaces on a DIMM, data written."""
    host, small = f"oracle-modes-{STAMP}", 576 * MiB
    versions = ["1.1", "1.2", "1.1", "1.2", "1.1", "1.2", "1.1", "1.2", None]
    capacities = [8 * GiB, 8 * GiB, small, small, small, small, small, small, 128 * MiB]
    make_host(host, capacities)
    init_labels(host, versions)
    for region in (0, 1):
        fill_pages(host, region, 2 * GiB, ["1G"])
    for region in (2, 3):
        for size in SECTOR_SIZES:
            create(host, region, mode="sector", sectorSize=size, size=64 * MiB, altName=f"sector {size}")
    for region in (4, 5):
        fill_pages(host, region, 64 * MiB, ["4K", "2M"])
    for region in (6, 7):
        create(host, region, mode="raw", size=64 * MiB)
        create(host, region, mode="raw", size=32 * MiB, sectorSize=4096)
        gone = create(host, region, mode="fsdax", size=32 * MiB)
        create(host, region, mode="fsdax", size=64 * MiB, sectorSize=4096)
        moved = create(host, region, mode="devdax", size=64 * MiB)
        call("POST", f"/v1/hosts/{host}/namespaces/{moved['name']}/reconfigure", {"mode": "sector", "force": True})
        call("POST", f"/v1/hosts/{host}/namespaces/{gone['name']}/disable")
        call("DELETE", f"/v1/hosts/{host}/namespaces/{gone['name']}?force=true", raw=True)
    call("POST", f"/v1/hosts/{host}/power", {"action": "cycle"})
    while call("GET", f"/v1/hosts/{host}")["state"] != "ready":
        time.sleep(0.3)
    return compare("modes", host, boot(export(host, len(capacities), folder)), listed(host), kept, digests(host))


def pairs(folder, kept):
    """Members of 2-way sets, which QEMU shows as single DIMMs: foreign cookies, reserved space."""
    source, target, size = f"oracle-pairs-{STAMP}", f"oracle-single-{STAMP}", 256 * MiB
    make_host(source, [size] * 4, sets=[[0, 1], [2, 3]])
    init_labels(source, ["1.1", "1.1", "1.2", "1.2"], regions=2)
    for region in (0, 1):
        create(source, region, mode="sector", size=64 * MiB)
        create(source, region, mode="fsdax", size=64 * MiB)
        create(source, region, mode="devdax", size=128 * MiB)
    images = export(source, 4, folder)
    make_host(target, [size] * 4)
    import_images(target, images)
    return compare("pairs", target, boot(images), listed(target), kept, digests(target))


def linux(folder, kept):
    """The other way: Linux makes the namespaces, PmemFleet imports the images."""
    host, size = f"oracle-linux-{STAMP}", 512 * MiB
    images = [f"{folder}/linux-{index}.img" for index in range(2)]
    for image in images:
        with open(image, "wb") as file:
            file.truncate(size + LABEL)
    prepare = "".join(f"ndctl disable-region region{r}; ndctl init-labels -V {v} -f nmem{r}; ndctl enable-region region{r}\n" for r, v in ((0, "1.1"), (1, "1.2")))
    for region in (0, 1):
        prepare += f"ndctl create-namespace -r region{region} -m sector -l 512 -s 64M; ndctl create-namespace -r region{region} -m sector -l 4160 -s 64M\n"
        for mode in ("fsdax", "devdax"):
            prepare += f"ndctl create-namespace -r region{region} -m {mode} -M dev -s 64M; ndctl create-namespace -r region{region} -m {mode} -M mem -a 4K -s 32M\n"
    prepare += "for b in /dev/pmem*; do dd if=/dev/urandom of=$b bs=4096 count=5 seek=3 oflag=direct; dd if=/dev/urandom of=$b bs=4096 count=5 seek=5 oflag=direct; done 2>/dev/null\nsync\n"
    seen = boot(images, prepare, write=True)
    make_host(host, [size] * 2)
    import_images(host, images)
    again = boot(images)
    return compare("linux", host, again, listed(host), kept, digests(host))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", choices=["modes", "pairs", "linux"])
    options.add_argument("--keep", action="store_true", help="keep the images")
    options.add_argument("--out", help="write the results as JSON")
    chosen = options.parse_args()
    folder, kept, found = tempfile.mkdtemp(prefix="pmemfleet-oracle-", dir="/var/tmp"), {}, 0
    try:
        for case in (modes, pairs, linux):
            if chosen.only in (None, case.__name__):
                found += case(folder, kept)
    finally:
        if chosen.keep:
            print(f"images: {folder}")
        else:
            shutil.rmtree(folder)
    if chosen.out:
        with open(chosen.out, "w") as file:
            json.dump({"at": datetime.datetime.now(datetime.timezone.utc).isoformat(), "cases": kept}, file, indent=1)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
