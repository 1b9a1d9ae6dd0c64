"""Proof for whoever was not there: a stranger's certificate checked, the register by period, evidence for an auditor, the ledger explained."""
