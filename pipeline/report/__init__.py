"""What a grid shows of its cells: tables, figures and a page.

Reports take plain data and know neither Luigi nor networks.
"""
