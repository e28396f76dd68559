"""Settings of the back end of ``torch.compile``: any can be set, none has an effect."""

coordinate_descent_tuning = False
coordinate_descent_check_all_directions = False
epilogue_fusion = True
fx_graph_cache = True
max_autotune = False
shape_padding = True


class triton:
    """Settings of the code it would generate for GPUs."""

    cudagraphs = False
    unique_kernel_names = True


class cpp:
    """Settings of the code it would generate for CPUs."""

    threads = -1
