"""The energy that a stage takes: read where a machine has meters, by codecarbon, and estimated where it has none.

A machine is metered whole, with all that runs on it besides. Each machine at work keeps what it has taken, in all
attempts at the stage, in a file `energy-N.json` of its own in the stage's home; their sum goes to stage.json.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from octavo.errors import InputError
from octavo.lineage import ENERGY_FILES, write_atomically

os.environ.setdefault("CODECARBON_LOG_LEVEL", "critical")

KEEP_SECONDS = 10.0
"""How often a machine keeps its energy: what it took since then is not known after a kill."""

_OR = " or "
"""Between the methods of a part that was metered in more than one way."""

_LOST = ", some readings failed"
_failures: set[str] = set()
"""Kinds of errors that kept this process from reading its meters; the methods tell of them."""

_reading = threading.Lock()  # two threads that read at once would count the same seconds twice


class Part(BaseModel):
    """The energy of one part of the machines, and how it is known."""

    joules: float
    method: str


_FILE = TypeAdapter(dict[str, Part])


class Meter:
    """Meters this machine while a stage is at work on it; entered and left as a context.

    `machine` is its number among those that train together. Work that was lost to a kill is counted with the
    rest, since it took its energy.
    """

    def __init__(self, home: Path, machine: int = 0) -> None:
        self.home = home
        self.file = home / f"energy-{machine}.json"
        self.earlier = _kept(self.file) if self.file.exists() else {}
        self.keeping = threading.Lock()
        self.left = threading.Event()
        self.thread = threading.Thread(target=self._keep_on, daemon=True)

    def __enter__(self) -> Meter:
        self.before = _machine_so_far()
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.left.set()
        self.thread.join()
        self.keep()

    def keep(self) -> None:
        """Write down what this machine has taken."""
        with self.keeping:
            now = _machine_so_far()
            taken = {
                name: Part(joules=part.joules - self.before[name].joules, method=part.method)
                for name, part in now.items()
            }
            write_atomically(self.file, _FILE.dump_json(_added([self.earlier, taken]), indent=1) + b"\n")

    def joules(self) -> float:
        """Joules that the stage has taken so far, of all machines: of the others, as they last wrote it down."""
        self.keep()
        return float(energy_of(self.home)["joules"])

    def _keep_on(self) -> None:
        while not self.left.wait(KEEP_SECONDS):
            with contextlib.suppress(OSError):  # a full disk is told by the stage
                self.keep()


def energy_of(home: Path) -> dict[str, Any]:
    """The energy of the stage that is at work in `home`, of all machines, as stage.json has it."""
    machines = [_kept(file) for file in home.glob(ENERGY_FILES) if file.suffix == ".json"]
    return _record(_added(machines), len(machines))


def forget(home: Path) -> None:
    """Remove the machines' files of a stage, whose sum is in stage.json."""
    for file in home.glob(ENERGY_FILES):
        file.unlink(missing_ok=True)


def add_up(records: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The energy of several stages, as one record; those that have none count nothing."""
    found = [record for record in records if record.get("parts")]
    parts = _added(_FILE.validate_python(record["parts"]) for record in found)
    return _record(parts, max((record["machines"] for record in found), default=0))


def in_watt_hours(joules: float) -> str:
    """Energy in kWh, or in Wh where it is little."""
    kwh = joules / 3.6e6
    return f"{kwh:,.2f} kWh" if kwh >= 1 else f"{1000 * kwh:.4f} Wh"


def _kept(file: Path) -> dict[str, Part]:
    try:
        try:
            return _FILE.validate_json(file.read_bytes())
        except OSError:  # over a network, that another machine has just put a new one in its place
            return _FILE.validate_json(file.read_bytes())
    except ValidationError as error:  # the disk has lost it
        _failures.add(type(error).__name__)
        return {}


def _record(parts: dict[str, Part], machines: int) -> dict[str, Any]:
    return {
        "joules": round(sum((part.joules for part in parts.values()), 0.0), 1),
        "method": _method(parts),
        "parts": {name: part.model_dump() for name, part in parts.items()},
        "machines": machines,
    }


def _method(parts: dict[str, Part]) -> str:
    """`measured` where all parts were, else each part with its method."""
    methods = [method for part in parts.values() for method in part.method.split(_OR)]
    if methods and all(method.startswith("measured") and _LOST not in method for method in methods):
        return "measured"
    names = {"gpus": "GPUs"}
    return ", ".join(f"{names.get(name, name)} {part.method}" for name, part in parts.items()) or "not known"


def _added(metered: Iterable[dict[str, Part]]) -> dict[str, Part]:
    """Parts of several machines or attempts, added up by name."""
    sums: dict[str, Part] = {}
    for parts in metered:
        for name, part in parts.items():
            known = sums.get(name, Part(joules=0.0, method=part.method))
            methods = dict.fromkeys([*known.method.split(_OR), *part.method.split(_OR)])
            sums[name] = Part(joules=round(known.joules + part.joules, 3), method=_OR.join(methods))
    return sums


def _machine_so_far() -> dict[str, Part]:
    """The energy of this machine since this process first asked, by part."""
    with _reading:
        tracker = _tracker()
        try:
            tracker._measure_power_and_energy()  # its own flush passes over short stages
        except Exception as error:  # of drivers and kernels, of any kind: a meter that fails must not end a run
            _failures.add(type(error).__name__)
        kwh = {
            "processor": tracker._total_cpu_energy.kWh,
            "gpus": tracker._total_gpu_energy.kWh,
            "memory": tracker._total_ram_energy.kWh,
        }
        lost = f"{_LOST} ({', '.join(sorted(_failures))})" if _failures else ""
        methods = {name: method + lost for name, method in methods_of(tracker._hardware).items()}
    return {name: Part(joules=float(kwh[name]) * 3.6e6, method=methods[name]) for name in kwh if name in methods}


@functools.cache
def _tracker() -> Any:
    """The one tracker of this process: to start another would take half a second of processor time."""
    from codecarbon import OfflineEmissionsTracker

    tracker = OfflineEmissionsTracker(
        country_iso_code="FRA",  # it must be given one; no CO2eq is taken from it
        measure_power_secs=365
        * 24
        * 3600,  # it reads when it is told to, as its own thread knows nothing of the lock
        save_to_file=False,
        log_level="critical",
        allow_multiple_runs=True,
    )
    tracker.start()
    return tracker


def methods_of(hardware: Iterable[Any]) -> dict[str, str]:
    """How codecarbon knows the energy of each part of a machine; `hardware` are its objects."""
    from codecarbon.core.gpu_nvidia import NvidiaGPUDevice
    from codecarbon.external.hardware import CPU, GPU
    from codecarbon.external.ram import RAM

    methods = {}
    for item in hardware:
        match item:
            case CPU(_mode="cpu_load"):
                methods["processor"] = f"estimated from its load and a TDP of {item._tdp:g} W"
            case CPU(_mode="constant"):
                methods["processor"] = f"estimated from a TDP of {item._tdp:g} W"
            case CPU():
                methods["processor"] = f"measured by {'RAPL' if item._mode == 'intel_rapl' else item._mode}"
            case GPU() if not item.devices.devices:  # there are some, and the driver tells nothing of them
                methods["gpus"] = "not metered"
            case GPU():
                nvidia = all(isinstance(device, NvidiaGPUDevice) for device in item.devices.devices)
                methods["gpus"] = f"measured by {'NVML' if nvidia else 'AMD SMI'}"
            case RAM():
                methods["memory"] = "estimated from its size"
            case _:  # a Raspberry Pi's or Apple's chip, which meters its parts
                part = {"CPU": "processor", "GPU": "gpus", "RAM": "memory"}[item.chip_part]
                methods[part] = "measured by the chip"
    return methods


def co2eq_grams(joules: float, country: str) -> float:
    """Grams of CO2eq of electricity in a country (ISO 3166-1 alpha-3), by codecarbon's table of energy mixes.

    Raises InputError for a country that is not in the table.
    """
    from codecarbon.core.emissions import Emissions
    from codecarbon.core.units import Energy
    from codecarbon.external.geography import GeoMetadata
    from codecarbon.input import DataSource

    source = DataSource()  # type: ignore[no-untyped-call]
    if country not in source.get_global_energy_mix_data():
        raise InputError(f"provider.country: found {country!r}, expected an ISO 3166-1 alpha-3 code, such as FRA")
    energy = Energy.from_energy(kWh=joules / 3.6e6)
    return 1000 * Emissions(source).get_country_emissions(energy, GeoMetadata(country_iso_code=country))
