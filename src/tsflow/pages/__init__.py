"""Pages of what is stored: forecast, leaderboard, champions, data, backtests, tunings.

::

    records -> a view (board.py, entrant.py, ...): typed, knows no HTML  -> templates/*.html.j2 -> app.py, inside Airflow's UI
                  `- figures.py: drawings by Plotly                                           `-> report.py, one file for itself

The app knows nothing of Airflow: who somebody is and what they may do is asked of the guards that it is given.
"""
