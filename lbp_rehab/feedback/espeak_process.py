"""Synthesises speech with eSpeak NG, in a process of its own.

eSpeak NG is under the GPL, so it is never loaded into the process of a node: this module is run
as a program and spoken to over pipes. One JSON object a line comes in::

    {"text": "Keep your pelvis level", "language": "en", "rate_wpm": 150, "path": "/tmp/a.wav"}

and one goes out, ``{"duration_s": 1.3}`` or ``{"error": "..."}``. The first line that goes out
says that the voice is ready.
"""

from __future__ import annotations

import ctypes
import json
import sys
import wave
from array import array
from pathlib import Path
from typing import Any

from lbp_rehab.errors import InputError

# Names and numbers from eSpeak NG's speak_lib.h.
AUDIO_OUTPUT_SYNCHRONOUS = 2
CHARS_UTF8 = 1
POSITION_CHARACTER = 1
PARAMETER_RATE = 1
PARAMETER_VOLUME = 2
EE_OK = 0
VOLUME = 70  # of 100, at which some Chinese syllables are clipped
VOICES = {"en": "en-us", "de": "de", "es": "es", "zh": "cmn"}


class Voice:
    """eSpeak NG, loaded from the `espeakng_loader` wheel."""

    def __init__(self) -> None:
        import espeakng_loader  # noqa: PLC0415

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate_hz = self._library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, data, 0)
        if self.rate_hz <= 0:
            raise InputError("eSpeak NG could not start; reinstall espeakng-loader")
        self._samples = array("h")
        kind = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
        )
        self._callback = kind(self._collect)  # kept: the library holds only its address
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self._samples.extend(samples[:count])
        return 0

    def write(self, text: str, language: str, rate_wpm: int, path: Path) -> float:
        """Speak into a WAV file (mono, 16 bit) and return its duration in seconds."""
        name = VOICES.get(language.split("-", maxsplit=1)[0], language)
        if self._library.espeak_SetVoiceByName(name.encode()) != EE_OK:
            raise InputError(f"eSpeak NG has no voice for language '{language}'")
        self._library.espeak_SetParameter(PARAMETER_RATE, rate_wpm, 0)
        self._library.espeak_SetParameter(PARAMETER_VOLUME, VOLUME, 0)
        self._samples = array("h")
        spoken = text.encode() + b"\0"
        status = self._library.espeak_Synth(
            spoken, len(spoken), 0, POSITION_CHARACTER, 0, CHARS_UTF8, None, None
        )
        if status != EE_OK or self._library.espeak_Synchronize() != EE_OK or not self._samples:
            raise InputError("eSpeak NG gave no sound")
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(self.rate_hz)
            file.writeframes(self._samples.tobytes())
        return len(self._samples) / float(self.rate_hz)


def _answer(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


def main() -> int:
    """Answer requests until the input ends."""
    try:
        voice = Voice()
    except (ImportError, OSError, InputError) as error:
        _answer(error=str(error))
        return 1
    _answer(ready=True)
    for line in sys.stdin:
        try:
            request = json.loads(line)
            duration_s = voice.write(
                request["text"], request["language"], request["rate_wpm"], Path(request["path"])
            )
            _answer(duration_s=duration_s)
        except (InputError, OSError, ValueError, KeyError) as error:
            _answer(error=str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
