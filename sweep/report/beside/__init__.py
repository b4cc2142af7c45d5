"""The files beside the page: figures for papers, tables to paste."""
