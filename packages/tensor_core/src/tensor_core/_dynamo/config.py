"""Settings of the front end of ``torch.compile``: any can be set, none has an effect."""

cache_size_limit = 8
recompile_limit = 8
accumulated_cache_size_limit = 256
suppress_errors = False
verbose = False
assume_static_by_default = True
automatic_dynamic_shapes = True
capture_scalar_outputs = False
optimize_ddp = True
