from sqlite3 import connect

connection = connect("x.db")
connection.execute("create table rooms (name text)")
for participant in connection.execute("select identity from participants"):
    print(participant)
