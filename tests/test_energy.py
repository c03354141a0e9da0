"""The meter: what a machine took, by part, over all attempts and machines, and how each part is known."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from codecarbon import OfflineEmissionsTracker
from codecarbon.external.hardware import CPU, GPU
from codecarbon.external.ram import RAM

from octavo import energy
from octavo.energy import Meter, add_up, energy_of, in_watt_hours, methods_of


@pytest.fixture
def rapl(tmp_path):
    """The folder in which Linux shows what the processor's own meter counts, in microjoules."""
    counter = tmp_path / "intel-rapl" / "intel-rapl:0"
    counter.mkdir(parents=True)
    (counter / "name").write_text("package-0")
    (counter / "max_energy_range_uj").write_text("262143328850")
    (counter / "energy_uj").write_text("1000000000")
    return counter


def by_rapl(counter):
    return CPU("", "intel_rapl", "a processor", 100, rapl_dir=str(counter.parent))


@pytest.fixture
def metered(rapl, monkeypatch):
    """This machine as if its processor had a meter and it had no memory."""
    tracker = OfflineEmissionsTracker(
        country_iso_code="FRA", measure_power_secs=3600, save_to_file=False, log_level="critical"
    )
    tracker._hardware, tracker._hardware_initialized = [by_rapl(rapl)], True
    tracker.start()
    monkeypatch.setattr(energy, "_tracker", lambda: tracker)
    monkeypatch.setattr(energy, "_failures", set())
    yield rapl / "energy_uj"
    tracker.stop()


def use(counter, joules):
    counter.write_text(str(int(counter.read_text()) + int(joules * 1e6)))


def test_what_the_processors_own_meter_counts_while_a_stage_is_at_work_is_its_energy(metered, tmp_path):
    use(metered, 1000)  # before the stage
    with Meter(tmp_path) as meter:
        use(metered, 7)
        assert meter.joules() == pytest.approx(7)
        use(metered, 5)
    use(metered, 1000)  # after it
    found = energy_of(tmp_path)
    assert found["parts"]["processor"] == {"joules": pytest.approx(12), "method": "measured by RAPL"}
    assert found["joules"] == pytest.approx(12)
    assert found["method"] == "measured"


def test_a_stage_of_a_moment_has_its_energy_too(metered, tmp_path):
    for number, joules in enumerate((2, 3, 4)):
        home = tmp_path / f"stage-{number}"
        home.mkdir()
        with Meter(home):
            use(metered, joules)
        assert energy_of(home)["joules"] == pytest.approx(joules)


def test_a_meter_that_fails_ends_no_stage_and_is_told(metered, tmp_path, monkeypatch):
    with Meter(tmp_path):
        monkeypatch.setattr(energy._tracker(), "_measure_power_and_energy", lambda: 1 / 0)
    method = "processor measured by RAPL, some readings failed (ZeroDivisionError)"
    assert method in energy_of(tmp_path)["method"]


def test_attempts_and_machines_add_up(metered, tmp_path):
    with Meter(tmp_path):
        use(metered, 3)
    with Meter(tmp_path) as meter:  # goes on
        use(metered, 4)
        with Meter(tmp_path, machine=1):
            use(metered, 10)
        assert meter.joules() == pytest.approx(27)
    assert energy_of(tmp_path)["machines"] == 2
    energy.forget(tmp_path)
    assert energy_of(tmp_path)["joules"] == 0


def test_while_a_stage_works_its_energy_is_kept_now_and_then(metered, tmp_path, monkeypatch):
    monkeypatch.setattr(energy, "KEEP_SECONDS", 0.05)
    with Meter(tmp_path) as meter:
        use(metered, 3)
        until = time.monotonic() + 20
        while not (meter.file.exists() and energy_of(tmp_path)["joules"] >= 2.9):
            assert time.monotonic() < until
            time.sleep(0.02)


def test_a_killed_process_has_left_what_it_took_on_this_very_machine(tmp_path):
    code = f"""
from pathlib import Path
from octavo import energy
energy.KEEP_SECONDS = 0.1
with energy.Meter(Path({str(tmp_path)!r})):
    print("at work", flush=True)
    while True: pass
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        while not (tmp_path / "energy-0.json").exists() or energy_of(tmp_path)["joules"] <= 1:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
    left = energy_of(tmp_path)["joules"]
    with Meter(tmp_path) as meter:
        time.sleep(0.2)
        assert meter.joules() > left


def test_how_each_part_is_known_is_read_from_what_codecarbon_made_of_the_machine(rapl):
    load, constant = CPU("", "cpu_load", "a processor", 95), CPU("", "constant", "a processor", 80)
    assert methods_of([RAM(), load]) == {
        "memory": "estimated from its size",
        "processor": "estimated from its load and a TDP of 95 W",
    }
    assert methods_of([constant]) == {"processor": "estimated from a TDP of 80 W"}
    assert methods_of([by_rapl(rapl)]) == {"processor": "measured by RAPL"}


def test_gpus_are_measured_by_nvml_where_the_driver_tells_of_them():
    from codecarbon.core.gpu_nvidia import NvidiaGPUDevice

    gpus = GPU(gpu_ids=[])
    gpus.devices.devices = []
    assert methods_of([gpus]) == {"gpus": "not metered"}
    gpus.devices.devices = [object.__new__(NvidiaGPUDevice)]
    assert methods_of([gpus]) == {"gpus": "measured by NVML"}


def record(**parts):
    found = {name: {"joules": joules, "method": method} for name, (joules, method) in parts.items()}
    return {"joules": sum(p["joules"] for p in found.values()), "parts": found, "machines": 1, "method": ""}


def test_only_what_was_measured_in_all_its_parts_is_called_measured():
    rapl, nvml = (10.0, "measured by RAPL"), (50.0, "measured by NVML")
    assert add_up([record(processor=rapl, gpus=nvml)])["method"] == "measured"
    assert add_up([record(processor=rapl, gpus=nvml, memory=(5.0, "estimated from its size"))])["method"] == (
        "processor measured by RAPL, GPUs measured by NVML, memory estimated from its size"
    )
    mixed = add_up([record(processor=rapl), record(processor=(2.0, "estimated from a TDP of 80 W"))])
    assert mixed["method"] == "processor measured by RAPL or estimated from a TDP of 80 W"
    assert mixed["joules"] == 12
    assert add_up([record(gpus=(0.0, "not metered"))])["method"] == "GPUs not metered"


def test_stages_without_energy_count_nothing():
    assert add_up([{}, record(processor=(10.0, "measured by RAPL")), {}])["joules"] == 10
    assert add_up([{}])["parts"] == {}


def test_what_a_machine_kept_is_no_input_and_no_output(tmp_path):
    from octavo.lineage import hash_files

    (tmp_path / "tokens").mkdir()
    for name in ("00000.ds", "energy-0.json", "energy-12.json.partial", "stage.json"):
        (tmp_path / "tokens" / name).write_text(json.dumps({}))
    assert list(hash_files([tmp_path / "tokens"], tmp_path)) == ["tokens/00000.ds"]
    given = tmp_path / "energy-2020.json"  # a source of that name counts
    given.write_text("{}")
    assert list(hash_files([given], tmp_path)) == ["energy-2020.json"]


def test_little_energy_is_shown_in_watt_hours():
    assert in_watt_hours(4.5) == "0.0013 Wh"
    assert in_watt_hours(3.6e6 * 12345.67) == "12,345.67 kWh"
