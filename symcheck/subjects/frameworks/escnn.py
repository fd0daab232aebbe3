NAME = "escnn"


def mine(model):
    return False


def read(model):
    raise NotImplementedError


def is_calculator(x):
    return False
