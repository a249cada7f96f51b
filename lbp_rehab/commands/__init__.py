"""The commands of ``lbp-rehab``, one module each: ``add(parser)`` and ``main(arguments)``."""
