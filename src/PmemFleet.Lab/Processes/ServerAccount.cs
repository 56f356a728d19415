using System.Globalization;

namespace PmemFleet.Lab.Processes;

/// <summary>The unprivileged account PostgreSQL runs under when the lab is root (the server refuses root).</summary>
/// <param name="Name">Its name.</param>
/// <param name="UserId">uid.</param>
/// <param name="GroupId">gid.</param>
internal sealed record ServerAccount(string Name, uint UserId, uint GroupId)
{
    /// <summary>The account to use: none for an ordinary user, else <c>postgres</c> or <c>nobody</c>.</summary>
    public static ServerAccount? Choose() => Environment.IsPrivilegedProcess ? Find("postgres") ?? Find("nobody") ?? throw new InvalidOperationException("root cannot run PostgreSQL, and there is neither a 'postgres' nor a 'nobody' account") : null;

    /// <summary>Gives a file or folder to the account.</summary>
    public void Own(string path)
    {
        if (Libc.Chown(path, UserId, GroupId) != 0)
        {
            throw new IOException($"cannot give {path} to account {Name}");
        }
    }

    private static ServerAccount? Find(string name) => File.ReadLines("/etc/passwd")
        .Select(line => line.Split(':'))
        .Where(fields => fields.Length > 3 && fields[0] == name)
        .Select(fields => new ServerAccount(name, uint.Parse(fields[2], CultureInfo.InvariantCulture), uint.Parse(fields[3], CultureInfo.InvariantCulture)))
        .FirstOrDefault();
}
