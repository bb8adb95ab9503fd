"""How many floating-point operations a BERT encoder needs for some texts.

Products alone are counted, two operations for each multiplication: what a share of the peak refers to.
"""

import json


LEFT_OUT = "Headwise leaves out what a classifier does not read of the last layer, in brackets is its " \
           "share if that counted."


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


def layer_operations(config, tokens, queries):
    """One layer of one text of which `queries` tokens are wanted: their queries, attention, output
    and inner layers, and all tokens' keys and values."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    linear = queries * (2 * width * width + 2 * width * inner) + tokens * 2 * width * width
    attention = 2 * queries * tokens * width
    return 2 * (linear + attention)


def forward_operations(config, lengths, first_token_only=False):
    """first_token_only: in the last layer, where a classifier reads nothing else."""
    layers, width = config["num_hidden_layers"], config["hidden_size"]
    total = 0
    for tokens in lengths:
        last = layer_operations(config, tokens, 1 if first_token_only else tokens)
        total += (layers - 1) * layer_operations(config, tokens, tokens) + last + 2 * width * width
    return total


def training_operations(config, lengths, first_token_only=False):
    """Forward once and backward twice: a gradient for each factor of a product."""
    return 3 * forward_operations(config, lengths, first_token_only)
