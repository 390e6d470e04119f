"""The figures.  Each module holds two functions:

``tabulate(sources, published, settings) -> pandas.DataFrame``
    The numbers to draw, one row a point, in the columns of :mod:`.tables`.
``draw(table, settings) -> matplotlib.figure.Figure``
    The figure of exactly these numbers; it computes nothing.

``sources`` maps a role to the datasets of that role, ``published`` holds the digitised values of
the paper for this figure, ``settings`` is the figure's section of the config.

``CURVES_OF``, where there is one, is the parameter, ``g`` or ``gamma``, of which the settings list
the values that have a curve.  Rows beside these curves stand in the table, for the ledger, and are
neither drawn nor counted in the caption.
"""
