using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace ResultsEs.EmbeddedPostgres;

/// <summary>
/// The address of a cluster's server: a Unix socket only for the folder's owner, or loopback TCP with a password.
/// It belongs to one <see cref="PostgresServer"/> and changes under the gate only.
/// </summary>
internal sealed class ServerAddress(ClusterOptions options, ClusterFolder folder)
{
    public const string User = "results";
    private const int SocketPort = 5432;

    // 0 until a port is chosen.
    private int _port = options.Tcp ? 0 : SocketPort;
    private string? _password;

    /// <summary>False before the first start on TCP, because no port is chosen yet.</summary>
    public bool IsKnown => _port != 0;

    /// <summary>The login rules for initdb: on the socket everybody who reaches its private folder, on TCP with the password.</summary>
    public IEnumerable<string> InitdbArguments => options.Tcp
        ? ["--auth=scram-sha-256", "--pwfile=password"]
        : ["--auth-local=trust", "--auth-host=reject"];

    /// <summary>The server settings that make it listen here and nowhere else.</summary>
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

    /// <summary>Creates an unopened connection outside all pools, with a short timeout.</summary>
    public NpgsqlConnection Connection() => new(ConnectionString("postgres") + ";Pooling=false;Timeout=5");

    /// <summary>Reads or makes the password, and reads the port of the last start. The caller holds the gate.</summary>
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

    /// <summary>Removes a stale socket, or chooses a free port unless clients know it already. The caller holds the gate.</summary>
    public async Task ClearAsync(bool isInUse, CancellationToken cancellationToken)
    {
        if (!options.Tcp)
        {
            // PostgreSQL also trusts the pid in the socket's lock file. The folder is ours alone and nobody listens there.
            var socket = Path.Combine(options.SocketFolder, string.Create(CultureInfo.InvariantCulture, $".s.PGSQL.{SocketPort}"));
            File.Delete(socket);
            File.Delete(socket + ".lock");
        }
        else if (!isInUse)
        {
            // The same port if it is free, so that a connection string outlives a restart.
            _port = FreePort(_port) ?? FreePort(0)!.Value;
            await File.WriteAllTextAsync(PortFile, _port.ToString(CultureInfo.InvariantCulture), cancellationToken);
        }
    }

    /// <summary>Returns the port when it is free, any free one for 0; otherwise null.</summary>
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
