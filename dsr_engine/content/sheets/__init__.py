"""Workbooks: XLSX, XLSB, XLS, ODS."""
