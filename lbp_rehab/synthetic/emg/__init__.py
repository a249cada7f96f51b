"""The surface EMG of the synthetic person: recruitment, electrodes, amplifier, truth."""
