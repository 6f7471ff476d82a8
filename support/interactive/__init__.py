"""Notebooks in the user's hands: JupyterLab with the frameworks' kernels, and kernels for other editors."""
