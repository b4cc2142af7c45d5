"""Trials that begin with the weights of others: found, checked, trained on."""
