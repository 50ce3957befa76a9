using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;

namespace ResultsEs.EmbeddedPostgres;

/// <summary>
/// Where a cluster's server listens and how clients get in: a Unix socket that only the folder's owner reaches, or loopback TCP
/// with a password. It belongs to one <see cref="PostgresServer"/> and changes under the gate only.
/// </summary>
internal sealed class ServerAddress(ClusterOptions options, ClusterFolder folder)
{
    public const string User = "results";
    private const int SocketPort = 5432;

    // 0 until a port has been chosen.
    private int _port = options.Tcp ? 0 : SocketPort;
    private string? _password;

    /// <summary>False before the first start on TCP: there is no port yet, so nobody can listen.</summary>
    public bool IsKnown => _port != 0;

    /// <summary>Who may log in, for initdb: whoever reaches the socket's private folder; on TCP, who knows the password.</summary>
    public IEnumerable<string> InitdbArguments => options.Tcp
        ? ["--auth=scram-sha-256", "--pwfile=password"]
        : ["--auth-local=trust", "--auth-host=reject"];

    /// <summary>The server's settings that make it listen here, and nowhere else.</summary>
    public IEnumerable<string> Settings =>
    [
        .. options.Tcp
            ? ["listen_addresses=127.0.0.1", "unix_socket_directories="]
            : (string[])["listen_addresses=", $"unix_socket_directories={options.SocketFolder}", "unix_socket_permissions=0700"],
        string.Create(CultureInfo.InvariantCulture, $"port={_port}"),
    ];

    private string PortFile => Path.Combine(options.Home, "port");

    public string ConnectionString(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = options.Tcp ? "127.0.0.1" : options.SocketFolder,
        Port = _port,
        Username = User,
        Password = _password,
        Database = database,
        SslMode = SslMode.Disable,
        GssEncryptionMode = GssEncryptionMode.Disable,
    }.ConnectionString;

    /// <summary>A new connection outside all pools, not opened yet, that gives up soon.</summary>
    public NpgsqlConnection Connection() => new(ConnectionString("postgres") + ";Pooling=false;Timeout=5");

    /// <summary>Reads the password, which is made when there is none, and the port of the last start. Needs the gate.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        if (!options.Tcp)
            return;

        var file = Path.Combine(options.Home, "password");
        if (!File.Exists(file))
        {
            var creation = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                creation.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            await using var writer = new StreamWriter(file, creation);
            await writer.WriteAsync(RandomNumberGenerator.GetHexString(48, lowercase: true));
        }

        await folder.GiveAsync(file, cancellationToken);
        _password = await File.ReadAllTextAsync(file, cancellationToken);
        if (File.Exists(PortFile))
            _ = int.TryParse(await File.ReadAllTextAsync(PortFile, cancellationToken), CultureInfo.InvariantCulture, out _port);
    }

    /// <summary>Makes room for a server that is about to start. Needs the gate.</summary>
    /// <param name="isInUse">True when clients have been told the port, which then must not change.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task ClearAsync(bool isInUse, CancellationToken cancellationToken)
    {
        if (!options.Tcp)
        {
            // PostgreSQL trusts the pid in the socket's lock file as well. The folder is ours alone and nobody listens there.
            var socket = Path.Combine(options.SocketFolder, string.Create(CultureInfo.InvariantCulture, $".s.PGSQL.{SocketPort}"));
            File.Delete(socket);
            File.Delete(socket + ".lock");
        }
        else if (!isInUse)
        {
            // The port stays the same as long as it can, so that a connection string outlives a restart.
            _port = FreePort(_port) ?? FreePort(0)!.Value;
            await File.WriteAllTextAsync(PortFile, _port.ToString(CultureInfo.InvariantCulture), cancellationToken);
        }
    }

    /// <summary>The port when it is free, any free one for 0; otherwise null.</summary>
    private static int? FreePort(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
