"""Judgement: values in, verdict out; no clock, network, disk or Prefect."""
